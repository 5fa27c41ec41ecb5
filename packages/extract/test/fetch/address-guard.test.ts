import assert from "node:assert/strict";
import { test } from "node:test";
import { AddressGuard } from "../../src/fetch/address-guard.ts";

const check = (host: string, allow: readonly string[] = []) =>
  new AddressGuard(allow).checkUrl(new URL(`http://${host}/`));

const CLOSED: Readonly<Record<string, readonly string[]>> = {
  loopback: [
    "127.0.0.1",
    "127.255.255.254",
    "127.1",
    "127.0.1",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "2130706433",
    "0x7f000001",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
  ],
  unspecified: ["0.0.0.0", "0", "0.1.2.3", "[::]"],
  private: [
    "10.0.0.1",
    "0x0a000001",
    "012.1.1.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "3232235521",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[fec0::1]",
  ],
  "link-local and metadata": [
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "100.100.100.200",
  ],
  "carriers' and special": [
    "100.64.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
  ],
  "v6 that holds v4": [
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:a9fe:a9fe]",
    "[0:0:0:0:0:ffff:10.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::10.0.0.1]",
    "[2002:a00:1::]",
    "[2001:0:7f00:1::]",
  ],
  "v6 special": ["[2001:db8::1]", "[ff02::1]", "[100::1]"],
};

for (const [kind, hosts] of Object.entries(CLOSED))
  test(`${kind} addresses are refused in every spelling`, () => {
    for (const host of hosts) assert.throws(() => check(host), { code: "blocked_address" }, host);
  });

test("public addresses are open, whatever stands next to them", () => {
  for (const host of [
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "169.253.1.1",
    "100.63.1.1",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "[2606:4700::1111]",
    "[::ffff:8.8.8.8]",
  ])
    assert.doesNotThrow(() => check(host), host);
});

test("an allow list opens what it names and nothing beside", () => {
  assert.doesNotThrow(() => check("127.0.0.1", ["127.0.0.1"]));
  assert.doesNotThrow(() => check("[::ffff:10.1.2.3]", ["10.1.0.0/16"]));
  assert.doesNotThrow(() => check("[fd00::9]", ["fd00::/8"]));
  assert.throws(() => check("127.0.0.2", ["127.0.0.1"]), { code: "blocked_address" });
  assert.throws(() => check("10.2.0.0", ["10.1.0.0/16"]), { code: "blocked_address" });
  assert.throws(() => check("169.254.169.254", ["localhost"]), { code: "blocked_address" });
});

test("only http and https are addresses to fetch", () => {
  for (const url of [
    "file:///etc/passwd",
    "ftp://example.org/",
    "gopher://example.org/",
    "data:text/html,x",
    "javascript:1",
  ])
    assert.throws(() => new AddressGuard([]).checkUrl(new URL(url)), { code: "invalid_argument" }, url);
});
