import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire, stripTypeScriptTypes } from "node:module";
import { dirname, extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { MillraceError } from "@millrace/core";
import { DASHBOARD_ASSETS } from "@millrace/dashboard";
import type { Exchange } from "./exchange.ts";
import type { Router } from "./router.ts";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
};

/** Run from source, packages are in `src` and served with their types stripped; built, they are in `dist`. */
const isSource = import.meta.url.endsWith(".ts");

type Asset = {
  readonly body: Uint8Array;
  readonly gzipped: Uint8Array | undefined;
  readonly contentType: string;
  readonly etag: string;
};

/** Serves the dashboard and the modules it is made of. Files are read once, at their first use, and kept: together about 1 MB. */
export function addAssetRoutes(router: Router): void {
  const cache = new Map<string, Asset | undefined>();
  const directories = new PackageDirectories();
  const index = readFileSync(join(directories.of(DASHBOARD_ASSETS.index.package), DASHBOARD_ASSETS.index.path), "utf8");
  const policy = contentPolicy(index);
  router.add("GET", "/", (exchange) => {
    exchange.text(200, index, "text/html; charset=utf-8", {
      "content-security-policy": policy,
      "cache-control": "no-cache",
    });
  });
  for (let depth = 2; depth <= 6; depth++) {
    const names = Array.from({ length: depth - 1 }, (_, at) => `{p${at}}`).join("/");
    router.add("GET", `/assets/${names}`, (exchange) => {
      const path = exchange.url.pathname;
      if (!cache.has(path)) cache.set(path, load(path, directories));
      send(exchange, path, cache.get(path));
      // A path that is not there must not fill the cache.
      if (!cache.get(path)) cache.delete(path);
    });
  }
}

function send(exchange: Exchange, path: string, asset: Asset | undefined): void {
  if (!asset) throw new MillraceError("not_found", `there is no file at ${path.slice(0, 120)}`);
  const headers = { etag: asset.etag, "cache-control": "no-cache" };
  if (exchange.request.headers["if-none-match"] === asset.etag) exchange.response.writeHead(304, headers).end();
  else if (asset.gzipped && exchange.request.headers["accept-encoding"]?.includes("gzip")) {
    exchange.text(200, asset.gzipped, asset.contentType, {
      ...headers,
      "content-encoding": "gzip",
      vary: "accept-encoding",
    });
  } else exchange.text(200, asset.body, asset.contentType, headers);
}

function load(path: string, directories: PackageDirectories): Asset | undefined {
  for (const { prefix, package: name, directories: places } of DASHBOARD_ASSETS.routes) {
    if (!path.startsWith(prefix)) continue;
    for (const place of places) {
      const directory = join(directories.of(name), place.replace("{code}", isSource ? "src" : "dist"));
      const asset = readAsset(directory, path.slice(prefix.length));
      if (asset) return asset;
    }
  }
  for (const { prefix, package: name, directory, files } of DASHBOARD_ASSETS.vendor) {
    const file = path.startsWith(prefix) ? path.slice(prefix.length) : "";
    if (files.includes(file)) return readAsset(join(directories.of(name), directory), file);
  }
  return undefined;
}

function readAsset(directory: string, file: string): Asset | undefined {
  const full = normalize(join(directory, file));
  const contentType = CONTENT_TYPES[extname(full) === ".ts" ? ".js" : extname(full)];
  if (!full.startsWith(directory + sep) || contentType === undefined) return undefined;
  const body = readFile(full) ?? (extname(full) === ".js" ? readStripped(full.replace(/\.js$/, ".ts")) : undefined);
  if (!body) return undefined;
  const text = extname(full) === ".ts" ? Buffer.from(stripTypeScriptTypes(Buffer.from(body).toString("utf8"))) : body;
  // Fonts are compressed already.
  const gzipped = contentType.startsWith("font/") ? undefined : gzipSync(text);
  return {
    body: text,
    gzipped,
    contentType,
    etag: `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`,
  };
}

function readStripped(path: string): Uint8Array | undefined {
  const source = isSource ? readFile(path) : undefined;
  return source && Buffer.from(stripTypeScriptTypes(Buffer.from(source).toString("utf8")));
}

function readFile(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Where packages are installed, found as the dashboard itself would find them. */
class PackageDirectories {
  readonly #found = new Map<string, string>();
  readonly #fromDashboard = createRequire(import.meta.resolve("@millrace/dashboard"));

  of(name: string): string {
    const known = this.#found.get(name);
    if (known) return known;
    const found = this.#find(name);
    this.#found.set(name, found);
    return found;
  }

  #find(name: string): string {
    if (name.startsWith("@millrace/")) return dirname(dirname(fileURLToPath(import.meta.resolve(name))));
    for (const directory of this.#fromDashboard.resolve.paths(name) ?? []) {
      if (readFile(join(directory, name, "package.json"))) return join(directory, name);
    }
    throw new MillraceError("internal", `the package ${name} of the dashboard is not installed; run npm ci`);
  }
}

/** Scripts and styles from this origin alone; the import map, the only inline script, by its hash. */
function contentPolicy(index: string): string {
  const hashes = [...index.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    ([, body = ""]) => `'sha256-${createHash("sha256").update(body).digest("base64")}'`,
  );
  return `default-src 'self'; script-src 'self' ${hashes.join(" ")}; connect-src 'self' ws: wss:; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'`;
}
