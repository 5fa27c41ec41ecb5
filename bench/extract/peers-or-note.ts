import { MillraceError } from "@millrace/core";
import { note } from "../src/note.ts";
import { openPeer, type PeerName } from "./peers/peer.ts";

/** Those that are installed; of each that is not, the result says so. */
export async function peersOrNote(names: readonly PeerName[]): Promise<PeerName[]> {
  const installed: PeerName[] = [];
  for (const name of names) {
    try {
      await openPeer(name);
      installed.push(name);
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === "unavailable")) throw error;
      note(`peer missing: ${name}: ${error.message}`);
    }
  }
  return installed;
}
