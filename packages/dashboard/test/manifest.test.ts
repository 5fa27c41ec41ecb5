import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DASHBOARD_ASSETS } from "../src/index.ts";

const packages = join(import.meta.dirname, "../..");
const modules = join(packages, "../node_modules");
const page = readFileSync(join(packages, "dashboard", "public/index.html"), "utf8");
const imports = (
  JSON.parse(/<script type="importmap">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? "{}") as {
    imports: Record<string, string>;
  }
).imports;

/** Whether a server that follows the manifest would find the path. */
function isServed(path: string): boolean {
  for (const { prefix, package: name, directories } of DASHBOARD_ASSETS.routes) {
    if (!path.startsWith(prefix)) continue;
    const root = join(packages, name.split("/")[1] ?? "");
    const file = path.slice(prefix.length);
    return directories.some((directory) => {
      const base = join(root, directory.replace("{code}", "src"), file);
      return existsSync(base) || existsSync(base.replace(/\.js$/, ".ts"));
    });
  }
  for (const { prefix, package: name, directory, files } of DASHBOARD_ASSETS.vendor) {
    if (path.startsWith(prefix))
      return (
        files.includes(path.slice(prefix.length)) &&
        existsSync(join(modules, name, directory, path.slice(prefix.length)))
      );
  }
  return false;
}

test("everything the page and its styles name is served", () => {
  const styles = globSync("*.css", { cwd: join(packages, "dashboard/public") }).map((file) =>
    readFileSync(join(packages, "dashboard/public", file), "utf8"),
  );
  const named = [page, ...styles].flatMap((text) =>
    [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"|url\("([^"]+)"\)/g)].map((match) => match[1] ?? match[2] ?? ""),
  );
  assert.ok(named.length > 10);
  for (const path of named) assert.ok(isServed(path), `${path} is not served`);
});

test("every bare import of a module the browser loads is in the import map, and leads to a file that is served", () => {
  for (const file of globSync("{dashboard,client}/src/*.ts", { cwd: packages })) {
    const text = readFileSync(join(packages, file), "utf8");
    for (const [, typeOnly, specifier = ""] of text.matchAll(/^import (type )?[^;]*?from "([^".][^"]*)";/gm)) {
      const folder = Object.keys(imports).find((key) => key.endsWith("/") && specifier.startsWith(key));
      const path =
        imports[specifier] ?? (folder ? (imports[folder] ?? "") + specifier.slice(folder.length) : undefined);
      if (!typeOnly) assert.ok(path !== undefined && isServed(path), `${file} imports ${specifier}`);
    }
  }
});

test("no template sets a style attribute or runs inline script: the content policy would refuse it", () => {
  for (const file of [...globSync("dashboard/src/*.ts", { cwd: packages }), "dashboard/public/index.html"]) {
    assert.doesNotMatch(
      readFileSync(join(packages, file), "utf8"),
      /\sstyle=|\son(click|load|error|submit)=|unsafeHTML|innerHTML/,
      file,
    );
  }
});
