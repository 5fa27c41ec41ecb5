/** What of a chunk is embedded: a paragraph rarely repeats what its section is about, so its title and headings go before it. */
export function embeddedText(
  title: string,
  { headings, text }: { readonly headings: readonly string[]; readonly text: string },
): string {
  return [title, ...headings.filter((heading) => heading !== title), text].join("\n");
}
