/** Files under `prefix` are looked for in `directories`, in this order. */
export type AssetRoute = {
  readonly prefix: string;
  /** The npm package whose directory the paths are relative to. */
  readonly package: string;
  /** `{code}` stands for `src` where TypeScript is run from source (types stripped), for `dist` where it is built. */
  readonly directories: readonly string[];
};

/** Exactly these files of a third-party package are served, nothing else of it. */
export type VendorPackage = {
  readonly prefix: string;
  readonly package: string;
  readonly directory: string;
  readonly files: readonly string[];
};

/**
 * What the page consists of, as plain data. The entry is `main.js`: a server that runs from source answers `x.js` and `x.ts` alike with
 * `x.ts` stripped of its types. `index.html` holds the one inline script, an import map, which a strict policy allows by its hash.
 */
export const DASHBOARD_ASSETS: {
  readonly index: { readonly package: string; readonly path: string };
  readonly routes: readonly AssetRoute[];
  readonly vendor: readonly VendorPackage[];
} = {
  index: { package: "@millrace/dashboard", path: "public/index.html" },
  routes: [
    { prefix: "/assets/dashboard/", package: "@millrace/dashboard", directories: ["public", "{code}"] },
    { prefix: "/assets/client/", package: "@millrace/client", directories: ["{code}"] },
    { prefix: "/assets/protocol/", package: "@millrace/protocol", directories: ["{code}"] },
    { prefix: "/assets/core/", package: "@millrace/core", directories: ["{code}"] },
  ],
  vendor: [
    {
      prefix: "/assets/vendor/lit-html/",
      package: "lit-html",
      directory: ".",
      files: ["lit-html.js", "directive.js", "directive-helpers.js", "directives/repeat.js"],
    },
    {
      prefix: "/assets/vendor/inter/",
      package: "@fontsource-variable/inter",
      directory: "files",
      files: ["inter-latin-wght-normal.woff2", "inter-latin-ext-wght-normal.woff2"],
    },
  ],
};
