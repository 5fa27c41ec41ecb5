/** Which addresses may be fetched: public ones, and what the caller opens on purpose. The guard against SSRF. */
import { lookup as dnsLookup } from "node:dns/promises";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { MillraceError } from "@millrace/core";

export type Resolved = { readonly address: string; readonly family: number };

/** All addresses of a name; injected in tests to play a name that changes between two answers. */
export type Resolver = (hostname: string) => Promise<readonly Resolved[]>;

export const systemResolver: Resolver = (hostname) => dnsLookup(hostname, { all: true, verbatim: true });

/** IANA special-purpose registries (RFC 6890 and its updates), multicast included. */
const BLOCKED_V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];
/** `::ffff:0:0/96` is judged by the v4 address inside; NAT64, 6to4 and Teredo can carry a private one, so they stay closed. */
const BLOCKED_V6 = [
  "::/128",
  "::1/128",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
  "5f00::/16",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
];

export class AddressGuard {
  static readonly #blocked = blockListOf([...BLOCKED_V4, ...BLOCKED_V6]);
  readonly #hosts = new Set<string>();
  readonly #ranges: BlockList;
  readonly #resolve: Resolver;

  /** `allow` holds host names ("localhost"), addresses or CIDR ranges ("10.1.0.0/16") that are fetched although private. */
  constructor(allow: readonly string[], resolve: Resolver = systemResolver) {
    this.#resolve = resolve;
    const ranges: string[] = [];
    for (const entry of allow) {
      const address = entry.replace(/^\[|\]$/g, "");
      if (isIP(address.split("/")[0] ?? "")) ranges.push(address);
      else if (/^[a-z0-9._-]+$/i.test(entry)) this.#hosts.add(entry.toLowerCase());
      else
        throw new MillraceError(
          "invalid_argument",
          `allow holds ${JSON.stringify(entry)}; give a host name, an address or a range such as 10.0.0.0/8`,
        );
    }
    this.#ranges = blockListOf(ranges);
  }

  /** Throws `blocked_address` for an address in the URL itself and `invalid_argument` for other schemes. Names are checked when resolved. */
  checkUrl(url: URL): void {
    if (url.protocol !== "http:" && url.protocol !== "https:") {
      throw new MillraceError(
        "invalid_argument",
        `${url.href} has the scheme ${url.protocol}; only http: and https: are fetched`,
      );
    }
    const host = url.hostname.replace(/^\[|\]$/g, "");
    if (isIP(host) && !this.#isAllowed(host)) throw blocked(url.hostname, host);
  }

  /**
   * For net.connect: resolves and hands on only addresses that were checked, so the connection goes to what was judged and a
   * second answer of the name server (DNS rebinding) is never asked for.
   */
  get lookup(): LookupFunction {
    return (hostname, options, callback) => {
      this.#checked(hostname).then(
        (addresses) => {
          const [first] = addresses;
          if (options.all)
            callback(
              null,
              addresses.map(({ address, family }) => ({ address, family })),
            );
          else callback(null, first?.address ?? "", first?.family);
        },
        (error: NodeJS.ErrnoException) => callback(error, "", 0),
      );
    };
  }

  async #checked(hostname: string): Promise<readonly Resolved[]> {
    const addresses = await this.#resolve(hostname);
    if (this.#hosts.has(hostname.toLowerCase())) return addresses;
    const open = addresses.filter(({ address }) => this.#isAllowed(address));
    const [first] = addresses;
    if (open.length === 0 && first) throw blocked(hostname, first.address);
    return open;
  }

  #isAllowed(address: string): boolean {
    const plain = unmapped(address);
    const family = isIP(plain) === 6 ? "ipv6" : "ipv4";
    if (this.#ranges.check(plain, family) || this.#hosts.has(plain)) return true;
    return isIP(plain) !== 0 && !AddressGuard.#blocked.check(plain, family);
  }
}

/** The v4 address inside `::ffff:a.b.c.d` or `::a.b.c.d`, in any spelling; a scope id (`%eth0`) is dropped. */
function unmapped(address: string): string {
  const plain = address.split("%")[0] ?? "";
  if (isIP(plain) !== 6) return plain;
  const canonical = new URL(`http://[${plain}]/`).hostname.slice(1, -1);
  const tail = /^::(?:ffff:)?([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical);
  if (!tail) return canonical;
  const [high, low] = [Number.parseInt(tail[1] ?? "0", 16), Number.parseInt(tail[2] ?? "0", 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", prefix] = range.split("/");
    const isV6 = isIP(address) === 6;
    const bits = prefix === undefined ? (isV6 ? 128 : 32) : Number(prefix);
    if (!Number.isInteger(bits) || bits < 0 || bits > (isV6 ? 128 : 32)) {
      throw new MillraceError("invalid_argument", `${range} is no address range; write it as 10.0.0.0/8`);
    }
    list.addSubnet(address, bits, isV6 ? "ipv6" : "ipv4");
  }
  return list;
}

function blocked(host: string, address: string): MillraceError {
  const at = host === address || host === `[${address}]` ? host : `${host} (${address})`;
  return new MillraceError(
    "blocked_address",
    `${at} is private, local or otherwise not public; add it to the allowed hosts to fetch it`,
  );
}
