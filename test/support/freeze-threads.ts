import { Session } from "node:inspector";
import { BroadcastChannel } from "node:worker_threads";

/** Threads of this process that stand still until it is disposed. */
export type FrozenThreads = Disposable;

export type MeantThreads = {
  /** The end of the path of the module they run. */
  readonly module: string;
  /** Those whose `workerData` has these values; default all. */
  readonly data?: Readonly<Record<string, string>>;
};

/** What a thread is told to run. It stands still in it: it looks at no message until the channel says so. */
const standStill = (data: MeantThreads["data"], channel: string) => `(() => {
  const { BroadcastChannel, receiveMessageOnPort, workerData } = process.getBuiltinModule("node:worker_threads");
  const gate = new BroadcastChannel(${JSON.stringify(channel)});
  gate.postMessage("heard");
  const isMeant = Object.entries(${JSON.stringify(data ?? {})}).every(([name, value]) => workerData?.[name] === value);
  const cell = new Int32Array(new SharedArrayBuffer(4));
  // The other threads are heard on it, too.
  while (isMeant && receiveMessageOnPort(gate)?.message !== "go on") Atomics.wait(cell, 0, 0, 1);
  gate.close();
})()`;

type AttachedWorker = { params: { sessionId: string; workerInfo: { url: string } } };

/** Holds the threads that are meant, whatever they are doing, and those that start later. Settles once all there are stand still. */
export async function freezeThreads({ module, data }: MeantThreads): Promise<FrozenThreads> {
  const name = `freeze-${crypto.randomUUID()}`;
  const gate = new BroadcastChannel(name);
  const session = new Session();
  session.connect();
  const expression = standStill(data, name);
  const message = JSON.stringify({ id: 1, method: "Runtime.evaluate", params: { expression } });
  let toHear = 0;
  session.on("NodeWorker.attachedToWorker", ({ params }: AttachedWorker) => {
    if (!params.workerInfo.url.endsWith(module)) return;
    toHear++;
    session.post("NodeWorker.sendMessageToWorker", { sessionId: params.sessionId, message });
  });
  await new Promise<void>((resolve) => {
    gate.onmessage = () => {
      toHear--;
      if (toHear === 0) resolve();
    };
    // The threads there are have been told when this is answered.
    session.post("NodeWorker.enable", { waitForDebuggerOnStart: false }, () => {
      if (toHear === 0) resolve();
    });
  });
  return {
    [Symbol.dispose]() {
      gate.postMessage("go on");
      gate.close();
      session.disconnect();
    },
  };
}

/**
 * Makes the writing thread of the engine over this directory stand still, as for a disk that does not answer, until it is disposed. The engine
 * is one of this process. Unlike under a lock of the database, for which a commit waits 5 s, its writes wait for as long as the test takes.
 */
export function freezeWriter(directory: string): Promise<FrozenThreads> {
  return freezeThreads({ module: "/storage-worker.ts", data: { role: "writer", directory } });
}
