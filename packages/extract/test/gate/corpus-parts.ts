/** Pieces of the labelled pages: prose in several languages and programs of a given size. */

/** One line of a program of about `chars` characters. */
export function program(chars: number): string {
  return `<script>${'!function(e,t){"use strict";t.n=e(7)}(function(e){return e+1},{});'.repeat(Math.ceil(chars / 64)).slice(0, chars)}</script>`;
}

export function page(head: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">${head}</head><body>${body}</body></html>`;
}

export const NAV =
  '<header><nav><a href="/">Home</a> <a href="/products">Products</a> <a href="/pricing">Pricing</a> <a href="/docs">Docs</a> <a href="/blog">Blog</a> <a href="/login">Sign in</a></nav></header>';
export const FOOTER =
  '<footer><a href="/privacy">Privacy</a> <a href="/terms">Terms</a> <a href="/contact">Contact</a> <span>© 2026 Example Ltd. All rights reserved.</span></footer>';

const SENTENCES = {
  en: "The tide comes in twice a day, and the birds that feed on the flats follow it in both directions. Counting them is slow work that starts before sunrise.",
  de: "Der Deich wurde im vergangenen Herbst erhöht, nachdem zwei Sturmfluten kurz hintereinander die alte Krone erreicht hatten. Die Arbeiten dauerten elf Wochen.",
  ja: "潮が引くと、干潟には無数の小さな穴が現れる。その一つ一つに蟹が住んでいて、人が近づくと一斉に姿を消す。春になると渡り鳥が集まり、朝の干潟は急ににぎやかになる。",
  zh: "清晨的集市从五点开始,卖鱼的人把竹筐一字排开。潮水退去之后,孩子们在滩涂上寻找小螃蟹,笑声传得很远。到了中午,集市已经散了。",
  ar: "يبدأ العمل في الميناء قبل شروق الشمس بساعتين، حين تعود القوارب الصغيرة محملة بالسمك. يجتمع التجار على الرصيف ويتفقون على الأسعار في دقائق قليلة.",
  ru: "Паром ходит через залив три раза в день, и зимой расписание зависит от льда. Местные жители знают капитана по имени и спрашивают его о погоде.",
  ko: "갯벌은 하루에 두 번 모습을 드러낸다. 아이들은 장화를 신고 나가 작은 게를 찾고, 어른들은 조개를 캔다. 해가 지기 전에 모두 마을로 돌아온다.",
  hi: "सुबह होते ही नाव किनारे पर लौट आती है और मछुआरे जाल सुखाने लगते हैं। गाँव के लोग ताज़ी मछली लेने घाट पर आते हैं।",
} as const;

/** `count` paragraphs. */
export function prose(count: number, language: keyof typeof SENTENCES = "en"): string {
  return `<p>${SENTENCES[language]}</p>\n`.repeat(count);
}
