/** How something gets into an empty engine. */
import { html, type TemplateResult } from "lit-html";
import { codeBlock } from "./ui.ts";

export function commands(space: string): TemplateResult {
  const url = location.origin;
  const cli = `npx millrace add ./docs --space ${space} --url ${url}`;
  const curl = `curl -X POST ${url}/v1/spaces/${space}/documents \\\n  -H 'content-type: application/json' \\\n  -d '{"sources":[{"url":"https://example.com/guide"}]}'`;
  return html`<div class="commands">${codeBlock("A directory, from the command line", cli)}${codeBlock("A page, over HTTP", curl)}</div>`;
}

export function startPanel(space: string): TemplateResult {
  return html`<section class="card start">
    <div class="start-text">
      <h2>Give it something to remember</h2>
      <p>Pages, PDFs, Markdown and plain text are read, split, embedded and searchable seconds later. Watch them pass through the drawing above.</p>
      <p><a class="button button-primary" href="#/ask?add=1">Add files or a page here</a></p>
    </div>
    ${commands(space)}
  </section>`;
}
