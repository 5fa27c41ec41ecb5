/** Pages that the data has too few of, made from its real ones: shells, skeletons, walls, short pages, filled application roots. */
import { type Rng, randomBelow } from "@millrace/core";
import { readPage } from "../../src/page/read-page.ts";
import { tokenizeJs } from "../../src/tokenizer/tokenize-js.ts";
import { TOKEN_WORDS } from "../../src/tokenizer/tokens.ts";

export type Sample = { readonly html: string; readonly reference: string };

/** `share`: how much such pages weigh beside a real page's 1. Assumed, since no public figure counts pages so. */
export type Variant = {
  readonly name: string;
  readonly share: number;
  readonly make: (page: Sample, rng: Rng) => Sample;
};

const ROOTS = ["root", "root", "app", "app", "__next", "__nuxt", "___gatsby", "svelte", "content", "container"];
const ASKS = [
  "You need to enable JavaScript to run this app.",
  "Please enable JavaScript to continue using this application.",
  "Bitte aktivieren Sie JavaScript, um diese Seite zu nutzen.",
  "Veuillez activer JavaScript pour afficher cette page.",
  "Necesitas activar JavaScript para ver esta página.",
  "このページを表示するには JavaScript を有効にしてください。",
  "Для работы сайта включите JavaScript.",
];
const WALLS: readonly (readonly [string, string, string])[] = [
  [
    "Just a moment...",
    "Checking your browser",
    "This process is automatic. Your browser will redirect to your requested content shortly.",
  ],
  [
    "Attention Required!",
    "Please complete the security check",
    "Completing the check proves you are a human and gives you temporary access to the web property.",
  ],
  ["Access Denied", "You don't have permission to access this server", "Reference #18.2d351ab8.1557333295.a4e16ab"],
  [
    "Sicherheitsüberprüfung",
    "Ich bin kein Roboter",
    "Bitte bestätigen Sie, dass Sie ein Mensch sind, um fortzufahren.",
  ],
  [
    "Vérification",
    "Prouvez que vous n'êtes pas un robot",
    "Nous avons détecté un trafic inhabituel depuis votre réseau.",
  ],
  [
    "Pardon our interruption",
    "Something about your browser made us think you were a bot",
    "Please enable cookies and reload the page to get access.",
  ],
];
const WALL_SCRIPTS = [
  "/cdn-cgi/challenge-platform/h/b/orchestrate/jsch/v1",
  "https://www.google.com/recaptcha/api.js",
  "/_Incapsula_Resource?SWJIYLWA=1",
  "/main.js",
];
const CONSENTS: readonly (readonly [string, string])[] = [
  [
    "We value your privacy",
    "We and our partners store and access information on a device, such as cookies, and process personal data. You may consent or refuse, or change your preferences before consenting.",
  ],
  [
    "Ihre Einwilligung",
    "Wir und unsere Partner verwenden Cookies und ähnliche Technologien. Mit Ihrer Einwilligung können Sie unsere Seite kostenlos nutzen.",
  ],
  [
    "Avant de continuer",
    "Nous utilisons des cookies pour fournir nos services. Acceptez les cookies pour accéder au contenu.",
  ],
];

export const VARIANTS: readonly Variant[] = [
  { name: "shell", share: 0.03, make: shell },
  { name: "skeleton", share: 0.04, make: skeleton },
  { name: "wall", share: 0.02, make: wall },
  { name: "consent", share: 0.005, make: consent },
  { name: "forward", share: 0.003, make: forward },
  { name: "framed", share: 0.003, make: framed },
  { name: "short", share: 0.05, make: short },
  { name: "lines", share: 0.03, make: lines },
  { name: "rooted", share: 0.05, make: rooted },
  { name: "payload", share: 0.01, make: payload },
];

/** Head and scripts of the page around an empty root. */
function shell({ html, reference }: Sample, rng: Rng): Sample {
  const { head, body } = parts(html);
  const root = pick(ROOTS, rng);
  const ask = rng() < 0.6 ? `<noscript>${pick(ASKS, rng)}</noscript>` : "";
  const inside = rng() < 0.3 ? '<div class="app-loading"><div class="spinner"></div></div>' : "";
  return {
    html: `${head}<body>${ask}<div id="${root}">${inside}</div>${programsOf(body, rng)}</body></html>`,
    reference,
  };
}

/** The page without what stands from its first prose block to its last: navigation and footer stay. */
function skeleton({ html, reference }: Sample, rng: Rng): Sample {
  const page = readPage(html, tokenizeJs(html));
  const { blocks, tokens } = page;
  let [first, last] = [-1, -1];
  for (let at = 0; at < blocks.count; at++) {
    if ((blocks.chars[at] ?? 0) - (blocks.linkChars[at] ?? 0) < 60) continue;
    if (first < 0) first = at;
    last = at;
  }
  if (first < 0) return shell({ html, reference }, rng);
  const start = tokens.words[(blocks.tokenStart[first] ?? 0) * TOKEN_WORDS + 1] ?? 0;
  const end = tokens.words[((blocks.tokenEnd[last] ?? 1) - 1) * TOKEN_WORDS + 2] ?? 0;
  const bone = rng() < 0.5 ? '<div class="skeleton-line"></div>'.repeat(1 + randomBelow(rng, 8)) : "";
  const root = `<div${rng() < 0.5 ? ` id="${pick(ROOTS, rng)}"` : ""}>${bone}</div>`;
  return { html: html.slice(0, start) + root + programsOf(html.slice(start, end), rng) + html.slice(end), reference };
}

function wall({ reference }: Sample, rng: Rng): Sample {
  const [title, heading, text] = pick(WALLS, rng);
  const script = rng() < 0.7 ? `<script src="${pick(WALL_SCRIPTS, rng)}" async></script>` : "";
  const ask = rng() < 0.5 ? `<noscript>${pick(ASKS, rng)}</noscript>` : "";
  const html = `<!doctype html><html><head><title>${title}</title>${script}</head><body><h1>${heading}</h1>${ask}<p>${text}</p></body></html>`;
  return { html, reference };
}

function consent({ html, reference }: Sample, rng: Rng): Sample {
  const [title, text] = pick(CONSENTS, rng);
  const { head, body } = parts(html);
  return {
    html: `${head}<body><div role="dialog"><h2>${title}</h2><p>${text}</p><button>OK</button></div>${programsOf(body, rng)}</body></html>`,
    reference,
  };
}

function forward({ reference }: Sample, rng: Rng): Sample {
  const text = rng() < 0.5 ? "<p>Redirecting…</p>" : "";
  const html = `<html><head><meta http-equiv="refresh" content="${randomBelow(rng, 4)}; url=/home"></head><body>${text}<a href="/home">/home</a></body></html>`;
  return { html, reference };
}

function framed({ html, reference }: Sample, rng: Rng): Sample {
  const { head } = parts(html);
  const frame =
    rng() < 0.5
      ? '<iframe src="/inner" width="100%"></iframe>'
      : '<frameset cols="20%,*"><frame src="/nav"><frame src="/main"></frameset>';
  return { html: `${head}<body>${frame}</body></html>`, reference };
}

/** A page that is short because it has little to say. */
function short({ html, reference }: Sample, rng: Rng): Sample {
  const cut = reference.slice(0, 60 + randomBelow(rng, 900));
  const { head, body } = parts(html);
  const isHeavy = rng() < 0.3;
  const text = cut
    .split(/\n+/)
    .map((line) => `<p>${escapeHtml(line)}</p>`)
    .join("\n");
  const nav =
    rng() < 0.6 ? '<nav><a href="/">Home</a> <a href="/about">About</a> <a href="/contact">Contact</a></nav>' : "";
  const top = isHeavy ? head : "<!doctype html><html><head><title>Page</title></head>";
  return {
    html: `${top}<body>${nav}<main>${text}</main>${isHeavy ? scriptsOf(body) : ""}</body></html>`,
    reference: cut,
  };
}

/** A page of short lines: a list, a table, notes. */
function lines({ reference }: Sample, rng: Rng): Sample {
  const cut = reference.slice(0, 60 + randomBelow(rng, 2_000));
  const words = cut.split(/\s+/);
  const tags = pick(
    [
      ["ul", "li"],
      ["table", "td"],
      ["nav", "a"],
      ["div", "div"],
    ] as const,
    rng,
  );
  let items = "";
  for (let at = 0; at < words.length; ) {
    const end = at + 1 + randomBelow(rng, 6);
    const item = `<${tags[1]}>${escapeHtml(words.slice(at, end).join(" "))}</${tags[1]}>`;
    items +=
      tags[1] === "td" ? `<tr>${item}</tr>` : tags[1] === "a" ? `<p>${item.replace("<a>", '<a href="/x">')}</p>` : item;
    at = end;
  }
  const script = rng() < 0.4 ? '<script src="/site.js"></script>' : "";
  const html = `<!doctype html><html><head><title>List</title>${script}</head><body><h1>List</h1><${tags[0]}>${items}</${tags[0]}></body></html>`;
  return { html, reference: cut };
}

/** A page that its server rendered into an application's root. */
function rooted({ html, reference }: Sample, rng: Rng): Sample {
  const { head, body } = parts(html);
  const ask = rng() < 0.5 ? `<noscript>${pick(ASKS, rng)}</noscript>` : "";
  return { html: `${head}<body>${ask}<div id="${pick(ROOTS, rng)}">${body}</div></body></html>`, reference };
}

/** A shell that carries its text as JSON-LD. */
function payload(page: Sample, rng: Rng): Sample {
  const { html } = shell(page, rng);
  const json = JSON.stringify({ "@type": "Article", articleBody: page.reference }).replaceAll("<", "\\u003c");
  const script = `<script type="application/ld+json">${json}</script></body>`;
  return { html: html.replace("</body>", () => script), reference: page.reference };
}

function parts(html: string): { readonly head: string; readonly body: string } {
  const at = html.search(/<body[\s>]/i);
  if (at < 0) return { head: "<!doctype html><html><head></head>", body: html };
  const start = html.indexOf(">", at) + 1;
  const end = html.toLowerCase().lastIndexOf("</body");
  // Text of the page may also stand in the head's JSON-LD; a shell has none.
  const head = html.slice(0, at).replace(/<script[^>]*ld\+json[\s\S]*?<\/script>/gi, "");
  return { head, body: html.slice(start, end > start ? end : html.length) };
}

/** Scripts of a page that needs some: where the data's copy of a page has lost them, an external one. */
function programsOf(html: string, rng: Rng): string {
  const scripts = scriptsOf(html);
  return scripts === "" ? '<script src="/assets/main.js" defer></script>'.repeat(1 + randomBelow(rng, 3)) : scripts;
}

/** Programs only: data may carry the page's text. */
function scriptsOf(html: string): string {
  return [...html.matchAll(/<script[\s>][\s\S]*?<\/script>/gi)]
    .map(([script]) => script)
    .filter((script) => !/^<script[^>]*json/i.test(script))
    .join("\n");
}

function pick<T>(list: readonly T[], rng: Rng): T {
  return list[randomBelow(rng, list.length)] as T;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
