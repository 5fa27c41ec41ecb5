/** Where this package's workers are: .ts files when run from source, .js files once built. */
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";

export const parseWorkerUrl = new URL(`./pool/parse-worker${extension}`, import.meta.url);
export const pdfChildUrl = new URL(`./pdf-child${extension}`, import.meta.url);
