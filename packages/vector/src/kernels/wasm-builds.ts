import { MillraceError } from "@millrace/core";

/** The builds of one WebAssembly module; each is compiled once per thread. */
export type WasmBuilds<Name extends string> = {
  /** Whether this runtime can run the build: its own bytes are validated, which is the exact question. */
  readonly isSupported: (name: Name) => boolean;
  /** `unavailable` when this runtime lacks the build's instructions. */
  readonly module: (name: Name) => WebAssembly.Module;
};

/** `base64`: the bytes of each build. */
export function createWasmBuilds<Name extends string>(base64: Readonly<Record<Name, string>>): WasmBuilds<Name> {
  const modules = new Map<Name, WebAssembly.Module | undefined>();
  const moduleOf = (name: Name): WebAssembly.Module | undefined => {
    if (!modules.has(name)) {
      const bytes = Uint8Array.from(atob(base64[name]), (char) => char.charCodeAt(0));
      modules.set(name, WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : undefined);
    }
    return modules.get(name);
  };
  return {
    isSupported: (name) => moduleOf(name) !== undefined,
    module: (name) => {
      const module = moduleOf(name);
      if (module) return module;
      throw new MillraceError(
        "unavailable",
        `this runtime cannot run the ${name} build; leave the build out to get one that runs`,
      );
    },
  };
}
