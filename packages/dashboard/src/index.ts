/** Where the dashboard's files are, for the server that serves them. The page itself begins in `main.ts`. */
export { type AssetRoute, DASHBOARD_ASSETS, type VendorPackage } from "./manifest.ts";
