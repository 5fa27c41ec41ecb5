/**
 * Pages with the answer: does the page as it was fetched hold its text? Written by hand after what frameworks, walls and small sites
 * send; no number is fitted on them, but the choice of features was checked against them.
 */
import { FOOTER, NAV, page, program, prose } from "./corpus-parts.ts";

export type LabelledPage = {
  readonly name: string;
  readonly isEnough: boolean;
  readonly html: string;
};

const SHELLS: readonly LabelledPage[] = [
  {
    name: "React, create-react-app",
    html: page(
      '<title>React App</title><script defer src="/static/js/main.8d2f.js"></script><link href="/static/css/main.css" rel="stylesheet">',
      '<noscript>You need to enable JavaScript to run this app.</noscript><div id="root"></div>',
    ),
  },
  {
    name: "React, Vite",
    html: page(
      "<title>Vite + React</title>",
      '<div id="root"></div><script type="module" src="/src/main.tsx"></script>',
    ),
  },
  {
    name: "Vue CLI",
    html: page(
      '<title>shop</title><script defer src="/js/chunk-vendors.js"></script><script defer src="/js/app.js"></script>',
      "<noscript><strong>We're sorry but shop doesn't work properly without JavaScript enabled. Please enable it to continue.</strong></noscript><div id=app></div>",
    ),
  },
  { name: "Vue, inline bundle", html: page("<title>Inbox</title>", `<div id="app"></div>${program(60_000)}`) },
  {
    name: "Angular",
    html: page(
      '<title>Console</title><base href="/">',
      '<app-root></app-root><script src="runtime.js" type="module"></script><script src="polyfills.js" type="module"></script><script src="main.js" type="module"></script>',
    ),
  },
  {
    name: "Angular with a loading line",
    html: page(
      "<title>Console</title>",
      '<app-root><div class="loading">Loading...</div></app-root><script src="main.js"></script>',
    ),
  },
  { name: "Svelte", html: page('<title>Svelte app</title><script defer src="/build/bundle.js"></script>', "") },
  {
    name: "SvelteKit without server rendering",
    html: page(
      "<title>Map</title>",
      '<div style="display: contents"><script>{__sveltekit_1a2b={base:""};Promise.all([import("/_app/start.js"),import("/_app/app.js")]).then(([k,a])=>k.start(a,document.currentScript.parentElement))}</script></div>',
    ),
  },
  {
    name: "Next.js, client only",
    html: page(
      '<title>Dashboard</title><script src="/_next/static/chunks/main.js" defer></script><script src="/_next/static/chunks/pages/_app.js" defer></script>',
      '<div id="__next"></div><script id="__NEXT_DATA__" type="application/json">{"props":{"pageProps":{}},"page":"/dashboard","query":{},"buildId":"a1"}</script>',
    ),
  },
  {
    name: "Nuxt, client only",
    html: page(
      '<title>Nuxt</title><script type="module" src="/_nuxt/entry.js"></script>',
      '<div id="__nuxt"></div><script>window.__NUXT__={data:{},state:{},serverRendered:false}</script>',
    ),
  },
  {
    name: "Gatsby before its data",
    html: page(
      "<title>Gatsby</title>",
      '<div id="___gatsby"><div style="outline:none" tabindex="-1" id="gatsby-focus-wrapper"></div></div><script src="/app-6f.js" async></script>',
    ),
  },
  {
    name: "Ember",
    html: page(
      "<title>Tickets</title>",
      '<script src="/assets/vendor.js"></script><script src="/assets/tickets.js"></script><div id="ember-bootstrap-body-end"></div>',
    ),
  },
  {
    name: "Ionic",
    html: page(
      "<title>Field notes</title>",
      '<ion-app></ion-app><script type="module" src="build/app.esm.js"></script>',
    ),
  },
  {
    name: "Flutter web",
    html: page(
      "<title>planner</title>",
      '<script>var serviceWorkerVersion="1";window.addEventListener("load",function(){_flutter.loader.loadEntrypoint({})})</script><script src="flutter.js" defer></script>',
    ),
  },
  {
    name: "Blazor WebAssembly",
    html: page(
      "<title>Orders</title>",
      '<div id="app">Loading...</div><div id="blazor-error-ui">An unhandled error has occurred. <a href="" class="reload">Reload</a></div><script src="_framework/blazor.webassembly.js"></script>',
    ),
  },
  { name: "Elm", html: page("<title>Main</title>", `<div id="elm"></div>${program(90_000)}`) },
  {
    name: "Shell with navigation and footer, content by script",
    html: page(
      "<title>Catalogue</title>",
      `${NAV}<main><div class="skeleton skeleton-title"></div><div class="skeleton skeleton-line"></div><div class="skeleton skeleton-line"></div></main>${FOOTER}<script src="/app.js"></script>${program(40_000)}`,
    ),
  },
  {
    name: "Shell with a splash screen",
    html: page(
      "<title>Editor</title>",
      '<div id="splash"><svg class="spinner"></svg><p>Starting the editor…</p></div><div id="root"></div><script src="/editor.js"></script>',
    ),
  },
  {
    name: "Shell in German",
    html: page(
      "<title>Kundenportal</title>",
      '<noscript>Bitte aktivieren Sie JavaScript in Ihrem Browser, um das Kundenportal zu nutzen.</noscript><div id="app"></div><script src="/portal.js"></script>',
    ),
  },
  {
    name: "Shell in Japanese",
    html: page(
      "<title>会員ページ</title>",
      '<noscript>このサイトを利用するには、JavaScriptを有効にしてください。</noscript><div id="root"></div><script src="/bundle.js"></script>',
    ),
  },
  {
    name: "Shell in Russian",
    html: page(
      "<title>Личный кабинет</title>",
      '<noscript>Для работы приложения необходимо включить JavaScript.</noscript><div id="app"></div><script src="/main.js"></script>',
    ),
  },
  {
    name: "Product page of a shop, content by script",
    html: page(
      "<title>Oak table 160 cm</title>",
      `${NAV}<div id="product-app" class="loading-placeholder"></div>${FOOTER}${program(120_000)}<script src="/pdp.js"></script>`,
    ),
  },
  {
    name: "Refresh to another address",
    html: page(
      '<title>Moved</title><meta http-equiv="refresh" content="0; url=https://example.org/new">',
      '<a href="https://example.org/new">Click here</a>',
    ),
  },
  {
    name: "Frameset",
    html: '<html><head><title>Manual</title></head><frameset cols="200,*"><frame src="toc.html"><frame src="intro.html"></frameset></html>',
  },
  {
    name: "One full-page frame",
    html: page(
      "<title>Report</title>",
      '<iframe src="https://reports.example/embed/17" style="width:100%;height:100vh"></iframe>',
    ),
  },
].map((one) => ({ ...one, isEnough: false }));

const WALLS: readonly LabelledPage[] = [
  {
    name: "Cloudflare challenge",
    html: page(
      '<title>Just a moment...</title><meta http-equiv="refresh" content="360">',
      '<div class="main-wrapper"><noscript><div class="h2">Enable JavaScript and cookies to continue</div></noscript></div><script>(function(){window._cf_chl_opt={cvId:"3",cZone:"example.org"};var a=document.createElement("script");a.src="/cdn-cgi/challenge-platform/h/g/orchestrate/chl_page/v1";document.head.appendChild(a)}());</script>',
    ),
  },
  {
    name: "Are you a robot",
    html: page(
      "<title>Are you a robot?</title>",
      '<h1>Please confirm you are a human by completing the captcha challenge below.</h1><div id="px-captcha"></div><script src="/px/captcha.js"></script>',
    ),
  },
  {
    name: "DataDome",
    html: page(
      "<title>example.org</title>",
      "<p id=\"cmsg\">Please enable JS and disable any ad blocker</p><script data-cfasync=\"false\">var dd={'rt':'c','cid':'AHrl','host':'geo.captcha-delivery.com'}</script><script src=\"https://ct.captcha-delivery.com/c.js\"></script>",
    ),
  },
  {
    name: "Incapsula",
    html: '<html><head><META NAME="robots" CONTENT="noindex,nofollow"><script src="/_Incapsula_Resource?SWJIYLWA=5074a744"></script></head><body></body></html>',
  },
  {
    name: "AWS WAF",
    html: page(
      "<title></title>",
      '<script>window.gokuProps={"key":"AQID","iv":"Cgg"};</script><script src="https://x.token.awswaf.com/challenge.js"></script><div id="challenge-container"></div><noscript><h1>JavaScript is disabled</h1>In order to continue, we need to verify that you\'re not a robot. This requires JavaScript.</noscript>',
    ),
  },
  {
    name: "Unusual traffic",
    html: page(
      "<title>Sorry...</title>",
      '<form action="/sorry"><script src="https://www.google.com/recaptcha/api.js"></script><div class="g-recaptcha"></div></form><p>Our systems have detected unusual traffic from your computer network. This page checks to see if it\'s really you sending the requests, and not a robot.</p>',
    ),
  },
  {
    name: "Press and hold",
    html: page(
      "<title>Access to this page has been denied</title>",
      '<p>Press &amp; Hold to confirm you are a human (and not a bot).</p><script src="https://client.perimeterx.net/main.min.js"></script>',
    ),
  },
  {
    name: "Bot wall in French",
    html: page(
      "<title>Vérification de sécurité</title>",
      '<h1>Êtes-vous un robot ?</h1><p>Prouvez que vous n\'êtes pas un robot pour continuer.</p><div class="h-captcha"></div><script src="https://js.hcaptcha.com/1/api.js"></script>',
    ),
  },
  {
    name: "Bot wall in Chinese",
    html: page(
      "<title>安全验证</title>",
      '<p>请完成安全验证后继续访问</p><div id="captcha-box"></div><script src="/verify.js"></script>',
    ),
  },
  {
    name: "Consent wall",
    html: page(
      "<title>Before you continue</title>",
      '<h1>Before you continue</h1><p>We use cookies and data to deliver and maintain our services, track outages and protect against spam.</p><p>If you choose to accept all cookies, we will also use cookies and data to develop new services.</p><form><button>Reject all</button><button>Accept all</button></form><script src="/consent.js"></script>',
    ),
  },
  {
    name: "Consent or subscription in German",
    html: page(
      "<title>Weiter mit Werbung lesen</title>",
      '<h1>Weiter mit Werbung lesen</h1><p>Besuchen Sie uns wie gewohnt mit Werbung und Tracking. Mit Ihrer Einwilligung verwenden wir Cookies. Details in der Datenschutzerklärung.</p><button>Akzeptieren</button><script src="https://cmp.example/sp.js"></script><script src="/app.js"></script>',
    ),
  },
].map((one) => ({ ...one, isEnough: false }));

const RENDERED: readonly LabelledPage[] = [
  {
    name: "Next.js, server-rendered",
    html: page(
      "<title>Tides</title>",
      `<div id="__next">${NAV}<main><h1>Tides</h1>${prose(12)}</main>${FOOTER}</div>${program(30_000)}<script id="__NEXT_DATA__" type="application/json">{"props":{}}</script>`,
    ),
  },
  {
    name: "Nuxt, server-rendered",
    html: page(
      "<title>Tides</title>",
      `<div id="__nuxt">${NAV}<article>${prose(8)}</article></div><script>window.__NUXT__={}</script><script src="/_nuxt/a.js"></script>`,
    ),
  },
  {
    name: "React, server-rendered with a noscript ask",
    html: page(
      "<title>Tides</title>",
      `<noscript>Please enable JavaScript for the full experience.</noscript><div id="root"><h1>Tides</h1>${prose(6)}</div><script src="/main.js"></script>`,
    ),
  },
  {
    name: "Angular Universal",
    html: page(
      "<title>Tides</title>",
      `<app-root ng-version="17"><main>${prose(7)}</main></app-root><script src="main.js"></script>`,
    ),
  },
  {
    name: "Article under a consent banner",
    html: page(
      "<title>Tides</title>",
      `<div class="cookie-banner"><p>We use cookies. <button>Accept</button></p></div>${NAV}<article><h1>Tides</h1>${prose(10)}</article><script src="/consent.js"></script>`,
    ),
  },
  {
    name: "Article with Cloudflare's script",
    html: page(
      "<title>Tides</title>",
      `${NAV}<article>${prose(8)}</article><script src="/cdn-cgi/challenge-platform/scripts/jsd/main.js"></script>`,
    ),
  },
  {
    name: "Article about captchas",
    html: page(
      "<title>How captchas work</title>",
      `<article><h1>How a captcha asks: are you a robot?</h1>${prose(4)}<p>Sites check that you are not a robot; the message "verify you are human" is the best known of them. Enable cookies, it says.</p>${prose(6)}</article>`,
    ),
  },
  {
    name: "Heavy scripts around an article",
    html: page(
      "<title>Tides</title>",
      `${program(300_000)}${NAV}<article>${prose(9)}</article>${program(300_000)}${FOOTER}`,
    ),
  },
  {
    name: "Text in noscript",
    html: page(
      "<title>Thread</title>",
      `<div id="main-outlet"></div><noscript><article>${prose(9)}</article></noscript><script src="/app.js"></script>`,
    ),
  },
  {
    name: "Documentation",
    html: page(
      "<title>API</title>",
      `<main><h1>API</h1>${prose(2)}<pre><code>const pool = createPool({ size: 4 });\nawait pool.run(job);</code></pre>${prose(3)}<h2>Options</h2><table><tr><th>name</th><th>meaning</th></tr><tr><td>size</td><td>How many workers the pool may start at most.</td></tr></table></main>`,
    ),
  },
  {
    name: "Long list of links",
    html: page(
      "<title>Archive</title>",
      `<h1>Archive</h1><ul>${'<li><a href="/p">The year the harbour froze and the ferry stayed in port</a></li>'.repeat(60)}</ul>`,
    ),
  },
  {
    name: "Forum thread",
    html: page(
      "<title>Thread</title>",
      `${NAV}${`<div class="post"><b>mara</b>${prose(1)}</div>`.repeat(8)}<script src="/forum.js"></script>`,
    ),
  },
  {
    name: "Product, rendered",
    html: page(
      "<title>Oak table</title>",
      `${NAV}<h1>Oak table</h1><p>€ 499</p>${prose(3)}<ul><li>Solid oak, oiled</li><li>160 × 90 cm, seats six</li></ul>${FOOTER}<script src="/shop.js"></script>`,
    ),
  },
  {
    name: "Japanese article",
    html: page(
      "<title>干潟</title>",
      `<article><h1>干潟の朝</h1>${prose(6, "ja")}</article><script src="/a.js"></script>`,
    ),
  },
  {
    name: "Chinese article",
    html: page("<title>集市</title>", `<article><h1>集市</h1>${prose(6, "zh")}</article>${program(20_000)}`),
  },
  {
    name: "Arabic article",
    html: page(
      "<title>الميناء</title>",
      `<article dir="rtl"><h1>الميناء</h1>${prose(5, "ar")}</article><script src="/a.js"></script>`,
    ),
  },
  {
    name: "Russian article",
    html: page(
      "<title>Паром</title>",
      `<article><h1>Паром</h1>${prose(5, "ru")}</article><script src="/a.js"></script>`,
    ),
  },
  {
    name: "Korean article",
    html: page("<title>갯벌</title>", `<article><h1>갯벌</h1>${prose(6, "ko")}</article><script src="/a.js"></script>`),
  },
  { name: "Hindi article", html: page("<title>घाट</title>", `<article><h1>घाट</h1>${prose(6, "hi")}</article>`) },
  {
    name: "Table of figures",
    html: page(
      "<title>Levels</title>",
      `<table>${"<tr><td>2026-03-01</td><td>3.41 m</td><td>06:12</td></tr>".repeat(80)}</table>`,
    ),
  },
].map((one) => ({ ...one, isEnough: true }));

const SHORT: readonly LabelledPage[] = [
  {
    name: "Short note",
    html: page(
      "<title>Note</title>",
      "<h1>Closed on Friday</h1><p>The library is closed on Friday, 3 April. Books can be returned at the side door as usual.</p>",
    ),
  },
  {
    name: "Error page",
    html: page(
      "<title>404 Not Found</title>",
      "<h1>Not Found</h1><p>The requested URL was not found on this server.</p><hr><address>Apache/2.4 Server at example.org Port 80</address>",
    ),
  },
  {
    name: "Example domain",
    html: page(
      "<title>Example Domain</title><style>body{background:#f0f0f2}</style>",
      '<div><h1>Example Domain</h1><p>This domain is for use in illustrative examples in documents. You may use this domain in literature without prior coordination or asking for permission.</p><p><a href="https://www.iana.org/domains/example">More information...</a></p></div>',
    ),
  },
  {
    name: "Contact page",
    html: page(
      "<title>Contact</title>",
      `${NAV}<h1>Contact</h1><p>Harbour Office, Quay 4, open Monday to Friday from 8 to 16. Call 555 0134 or write to office@example.org.</p>${FOOTER}`,
    ),
  },
  {
    name: "Poem",
    html: page(
      "<title>Poem</title>",
      "<h1>Ebb</h1><p>What the water wrote<br>the water reads again,<br>letter by letter,<br>and leaves the sand its own.</p>",
    ),
  },
  {
    name: "Release note",
    html: page(
      "<title>1.4.2</title>",
      "<h1>1.4.2</h1><ul><li>A reader that falls behind is told where to go on.</li><li>Closing waits for what was accepted.</li></ul>",
    ),
  },
  {
    name: "Short page with analytics",
    html: page(
      '<title>Opening hours</title><script async src="https://stats.example/s.js"></script>',
      `${NAV}<main><h1>Opening hours</h1><p>From May to September we are open every day from nine to six. In winter please call before you come, since the road may be closed.</p><p>Groups of more than ten people are asked to book a week ahead.</p></main>${FOOTER}`,
    ),
  },
  { name: "German notice", html: page("<title>Hinweis</title>", `<h1>Hinweis</h1>${prose(2, "de")}`) },
  { name: "Japanese notice", html: page("<title>お知らせ</title>", `<h1>お知らせ</h1>${prose(1, "ja")}`) },
  {
    name: "Directory index",
    html: page(
      "<title>Index of /pub</title>",
      `<h1>Index of /pub</h1><pre>${'<a href="a.tar.gz">release-1.0.tar.gz</a>   2026-01-02 10:00  1.2M\n'.repeat(6)}</pre>`,
    ),
  },
  {
    name: "Shell with its article in JSON-LD",
    html: page(
      `<title>Tides</title><script type="application/ld+json">${JSON.stringify({ "@type": "NewsArticle", articleBody: "The tide comes in. ".repeat(315) })}</script>`,
      '<div id="root"></div><script src="/main.js"></script>',
    ),
  },
  {
    name: "Shell with its article in a payload",
    html: page(
      "<title>Tides</title>",
      `<div id="__next"></div><script id="__NEXT_DATA__" type="application/json">${JSON.stringify({ props: { pageProps: { body: "The tide comes in. ".repeat(235) } } })}</script><script src="/main.js"></script>`,
    ),
  },
].map((one) => ({ ...one, isEnough: true }));

export const LABELLED_PAGES: readonly LabelledPage[] = [...SHELLS, ...WALLS, ...RENDERED, ...SHORT];
