/** How this command is called, for the lines that say what to run next: npx finds it in a checkout and once published. */
export const INVOCATION = "npx millrace";
