/** Words of pages that stand in front of the page asked for. They count only on pages with little text: a text about them is a text. */

/** In ids, classes, script addresses and the first characters of scripts: free of language. */
export const WALL_MARKS = [
  "cf-chl",
  "cf_chl",
  "challenge-platform",
  "challenges.cloudflare",
  "captcha",
  "turnstile",
  "datadome",
  "incapsula",
  "perimeterx",
  "px-cloud",
  "_pxappid",
  "awswaf",
  "gokuprops",
  "kpsdk",
  "sucuri_cloudproxy",
  "ddos-guard",
  "distil_",
] as const;

/** Of bot walls, in lower case. */
export const WALL_PHRASES = [
  "verify you are human",
  "verify that you are human",
  "verifying you are human",
  "are you a robot",
  "not a robot",
  "checking your browser",
  "checking if the site connection is secure",
  "just a moment",
  "unusual traffic",
  "automated access",
  "security check",
  "access denied",
  "request blocked",
  "you have been blocked",
  "enable cookies",
  "cookies are disabled",
  "press & hold",
  "kein roboter",
  "überprüfen, ob sie ein mensch",
  "zugriff verweigert",
  "vous êtes humain",
  "pas un robot",
  "accès refusé",
  "eres humano",
  "no soy un robot",
  "acceso denegado",
  "não sou um robô",
  "non sono un robot",
  "проверка браузера",
  "не робот",
  "доступ запрещен",
  "人机验证",
  "安全验证",
  "ロボットではありません",
  "로봇이 아닙니다",
] as const;

/** That a page wants scripts, in text outside of `noscript` too. The name of the language is the same in most scripts. */
export const SCRIPT_PHRASES = [
  "javascript",
  "java script",
  "js-enabled",
  "яваскрипт",
  "ジャバスクリプト",
  "자바스크립트",
] as const;

/** Of consent walls: stems that most European languages share, and their likes. */
export const CONSENT_WORDS = [
  "cookie",
  "consent",
  "gdpr",
  "einwillig",
  "privacidad",
  "confidentialit",
  "同意",
  "クッキー",
] as const;

/** In class names and ids, of what stands in for content that scripts will bring. */
export const PLACEHOLDER_MARKS = [
  "skeleton",
  "shimmer",
  "placeholder",
  "spinner",
  "loader",
  "loading",
  "preload",
  "splash",
] as const;

/** Ids of the elements that application frameworks fill. */
export const ROOT_IDS: ReadonlySet<string> = new Set(
  "root app __next __nuxt ___gatsby q-app svelte react-root app-root app-mount mount application ember-application main-app page-root reactroot vue-app spa elm".split(
    " ",
  ),
);
