/** More of `corpus.ts`, written after the features were chosen and the table was fitted for the last time. */
import type { LabelledPage } from "./corpus.ts";
import { FOOTER, NAV, page, program, prose } from "./corpus-parts.ts";

export const LATER_PAGES: readonly LabelledPage[] = [
  {
    name: "Timetable",
    isEnough: true,
    html: page(
      "<title>Ferry</title>",
      `<h1>Ferry, winter</h1><table><tr><th>Pier</th><th>Departs</th></tr>${"<tr><td>North</td><td>07:15</td></tr>".repeat(30)}</table><p>No service on 25 December.</p>`,
    ),
  },
  {
    name: "Glossary with scripts",
    isEnough: true,
    html: page(
      "<title>Glossary</title>",
      `${NAV}<dl>${"<dt>Ebb</dt><dd>The fall of the tide from high water to low water.</dd>".repeat(15)}</dl>${FOOTER}<script src="/menu.js"></script>`,
    ),
  },
  {
    name: "Recipe",
    isEnough: true,
    html: page(
      "<title>Flatbread</title>",
      `<h1>Flatbread</h1><ul><li>300 g flour</li><li>180 ml water</li><li>1 tsp salt</li></ul><ol><li>Mix and knead for ten minutes until the dough is smooth and no longer sticks.</li><li>Rest for half an hour, roll out thin, and bake in a hot dry pan, a minute a side.</li></ol><script async src="/ads.js"></script>`,
    ),
  },
  {
    name: "Plain old page in frames of tables",
    isEnough: true,
    html: `<html><body bgcolor=white><table width=100%><tr><td>${prose(5)}<td><a href=1.html>1</a> <a href=2.html>2</a></table></body></html>`,
  },
  {
    name: "Tweet-like post, rendered",
    isEnough: true,
    html: page(
      "<title>Post</title>",
      `<div id="app"><article><p>The new pier opens on Sunday. Free crossings all day, and the band plays from noon until the last boat leaves at eight.</p></article></div><script src="/a.js"></script>`,
    ),
  },
  {
    name: "Qwik-like shell",
    isEnough: false,
    html: page(
      "<title>App</title>",
      '<div q:container="paused" id="root"></div><script src="/q-1.js" type="module"></script><script src="/q-2.js" type="module"></script>',
    ),
  },
  {
    name: "Chat client",
    isEnough: false,
    html: page(
      "<title>Chat</title>",
      `<div class="app-loader"><img src="/logo.svg" alt=""><p>Loading your messages</p></div>${program(200_000)}`,
    ),
  },
  {
    name: "Search page, results by script",
    isEnough: false,
    html: page(
      "<title>Search</title>",
      `${NAV}<form><input name="q"><button>Search</button></form><div id="results" class="results loading"></div>${FOOTER}<script src="/search.js"></script><script src="/vendor.js"></script>`,
    ),
  },
  {
    name: "Age and cookie wall in French",
    isEnough: false,
    html: page(
      "<title>Bienvenue</title>",
      '<p>Ce site utilise des cookies. Acceptez les cookies pour continuer votre visite.</p><button>Accepter</button><button>Refuser</button><script src="/cmp.js"></script><div id="app"></div>',
    ),
  },
  {
    name: "Slider bot check in Korean",
    isEnough: false,
    html: page(
      "<title>보안 확인</title>",
      '<p>로봇이 아닙니다를 확인해 주세요.</p><div id="captcha"></div><script src="/captcha.js"></script>',
    ),
  },
];
