import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeText } from "../../src/decode-text.ts";

/** Text to bytes by turning the decoder's own table around: every two-byte pair, then every single byte. */
function encode(label: string, text: string): Uint8Array {
  const decoder = new TextDecoder(label);
  const table = new Map<string, readonly number[]>();
  for (let high = 0x81; high < 0xff; high++)
    for (let low = 0x40; low < 0xff; low++) {
      const character = decoder.decode(Uint8Array.of(high, low));
      if ([...character].length === 1 && character !== "\ufffd") table.set(character, [high, low]);
    }
  for (let byte = 0; byte < 256; byte++) {
    const character = decoder.decode(Uint8Array.of(byte));
    if (character.length === 1 && character !== "\ufffd") table.set(character, [byte]);
  }
  const bytes = [...text].flatMap(
    (character) => table.get(character) ?? assert.fail(`${character} is not in ${label}`),
  );
  assert.equal(decoder.decode(Uint8Array.from(bytes)), text);
  return Uint8Array.from(bytes);
}

const mill = {
  ru: "Мельница стоит на берегу реки, и вода вращает её колесо каждый день. Пекарь печёт хлеб из этой муки, а дети играют у плотины.",
  cs: "Mlýn stojí na břehu řeky a voda otáčí jeho kolem každý den, když prší. Pekař z mouky peče chléb a děti si hrají u hráze. Starý mlynář říká, že v zimě řeka zamrzne a kolo se zastaví, ale na jaře se všechno zase rozběhne. Návštěvníci si mohou prohlédnout celý dům, který byl před několika lety opraven.",
  el: "Ο μύλος στέκεται στην όχθη του ποταμού και το νερό γυρίζει τον τροχό του κάθε μέρα.",
  he: "הטחנה עומדת על גדת הנהר והמים מסובבים את הגלגל שלה בכל יום",
  ar: "تقف الطاحونة على ضفة النهر ويدير الماء عجلتها كل يوم من أيام السنة",
  tr: "Değirmen nehrin kıyısında duruyor ve su her gün çarkını döndürüyor. Güneş ışığı çok güçlü, çocuklar gölgede oynuyor.",
  fr: "Le moulin est situé au bord de la rivière, où l’eau fait tourner sa roue à aubes même l’été. Là-bas, près du château, le boulanger pétrit sa pâte.",
  de: "Die Mühle steht über dem Fluß, und das Wasser dreht täglich ihr Rad. Der Bäcker bäckt draußen für die Gäste große Brötchen.",
  th: "โรงสีตั้งอยู่ริมแม่น้ำและน้ำหมุนล้อของมันทุกวัน",
  ja: "水車小屋は川の岸に立ち、水が毎日その車輪を回している。パン屋はその粉でパンを焼く。",
  zh: "磨坊坐落在河岸边,水每天转动它的轮子。面包师用面粉烤面包。",
  tw: "磨坊坐落在河岸邊,水每天轉動它的輪子。麵包師用麵粉烤麵包。",
  ko: "방앗간은 강가에 서 있고 물은 매일 바퀴를 돌린다. 빵집 주인은 그 밀가루로 빵을 굽는다.",
};

const real: readonly (readonly [string, string])[] = [
  ["windows-1251", mill.ru],
  ["koi8-r", mill.ru],
  ["windows-1250", mill.cs],
  ["windows-1253", mill.el],
  ["windows-1255", mill.he],
  ["windows-1256", mill.ar],
  ["windows-1254", mill.tr],
  ["windows-1252", mill.fr],
  ["windows-1252", mill.de],
  ["windows-874", mill.th],
  ["shift_jis", mill.ja],
  ["euc-jp", mill.ja],
  ["gbk", mill.zh],
  ["big5", mill.tw],
  ["euc-kr", mill.ko],
];

const ascii = (text: string) => [...new TextEncoder().encode(text)];
const inPage = (bytes: Uint8Array, head = "") =>
  Uint8Array.from([
    ...ascii(`<!doctype html><html><head>${head}<title>The mill</title><script src="/main.js"></script></head><body>`),
    ...ascii('<nav class="menu"><a href="/about">About this page and the people behind it</a></nav><p>'),
    ...bytes,
    ...ascii("</p><footer>Copyright and imprint, cookies, terms of use</footer></body></html>"),
  ]);

for (const [label, text] of real)
  test(`${label}: undeclared text among English markup is read (${text.slice(0, 12)}…)`, () => {
    assert.ok(decodeText(inPage(encode(label, text)), { isHtml: true }).includes(text));
  });

test("the page's own declaration is heeded in each of its forms, and not in a comment", () => {
  const greek = encode("iso-8859-7", "Η όχθη");
  for (const head of [
    '<meta charset="ISO-8859-7">',
    "<META content='text/html;charset=iso-8859-7' http-equiv=content-type>",
    '<!-- <meta charset="utf-8"> --><meta charset=greek>',
  ])
    assert.ok(decodeText(inPage(greek, head), { isHtml: true }).includes("Η όχθη"), head);
  const xml = Uint8Array.from([...ascii('<?xml version="1.0" encoding="ISO-8859-7"?><html><p>'), ...greek]);
  assert.ok(decodeText(xml, { isHtml: true }).includes("Η όχθη"));
});

test("UTF-8 that is declared as ISO-8859-1 is UTF-8, and bytes that only claim to be UTF-8 are what they look like", () => {
  assert.equal(decodeText(new TextEncoder().encode("naïve Σ"), { charset: "iso-8859-1" }), "naïve Σ");
  assert.equal(decodeText(encode("windows-1251", mill.ru), { charset: "utf-8" }), mill.ru);
});

test("seven-bit Japanese is told by its escapes", () => {
  const bytes = Uint8Array.from([
    ...ascii("<p>"),
    0x1b,
    0x24,
    0x42,
    0x3f,
    0x65,
    0x3c,
    0x56,
    0x1b,
    0x28,
    0x42,
    ...ascii("</p>"),
  ]);
  assert.equal(decodeText(bytes, { isHtml: true }), "<p>水車</p>");
});

test("what gives no hint is windows-1252, as browsers take it", () => {
  assert.equal(decodeText(Uint8Array.of(0x80)), "€");
});
