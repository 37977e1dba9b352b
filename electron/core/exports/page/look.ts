/** How the page looks: fonts of the reader's system, light and dark, and on paper. */
export const pageStyle = `
:root{color-scheme:light dark;--ground:#fff;--text:#1b1f24;--dim:#57606a;--line:#d0d7de;--panel:#f6f8fa;--link:#0550ae;--warn:#8a4600}
@media (prefers-color-scheme:dark){:root{--ground:#14171b;--text:#e3e7ec;--dim:#9aa4af;--line:#333a43;--panel:#1c2127;--link:#7db7ff;--warn:#f0b36b}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI","Noto Sans","Noto Sans Devanagari","Nirmala UI","Kohinoor Devanagari",sans-serif}
main,header{max-width:1200px;margin:0 auto;padding:0 24px}
header{padding-top:32px}
h1{font-size:28px;line-height:1.2;margin:0 0 8px}
h2{font-size:19px;margin:0 0 4px}
a{color:var(--link)}
p{margin:4px 0 12px}
.dim{color:var(--dim)}
.warn{color:var(--warn)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 24px;margin:12px 0;overflow-wrap:anywhere}
dt{color:var(--dim)}
dd{margin:0;min-width:0}
.tools{position:sticky;top:0;background:var(--ground);padding:12px 24px;border-bottom:1px solid var(--line);z-index:1;max-width:1200px;margin:0 auto;display:flex;gap:16px;align-items:center;flex-wrap:wrap}
.tools input{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--dim);border-radius:6px;padding:6px 10px;width:320px;max-width:100%}
input:focus-visible,a:focus-visible,.wide:focus-visible{outline:2px solid var(--link);outline-offset:2px}
nav ul{columns:3 240px;margin:8px 0 0;padding:0;list-style:none}
nav li{break-inside:avoid;padding:2px 0}
section{margin:32px 0;scroll-margin-top:72px}
.wide{overflow-x:auto;border:1px solid var(--line);border-radius:6px}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{text-align:start;vertical-align:top;padding:6px 10px;border-bottom:1px solid var(--line);max-width:420px;min-width:64px;overflow-wrap:anywhere;white-space:pre-wrap}
th{background:var(--panel);font-weight:600;white-space:normal}
tbody tr:last-child td{border-bottom:0}
.v{unicode-bidi:isolate}
.c{font:11px ui-monospace,Consolas,monospace;border:1px solid var(--line);border-radius:3px;padding:0 3px;color:var(--warn);white-space:nowrap}
img{display:block;max-width:160px;max-height:120px;border-radius:4px}
@media print{:root{--ground:#fff;--text:#000;--dim:#444;--line:#999;--panel:#eee;--link:#000;--warn:#000}
@page{size:A4 landscape;margin:12mm}
body{font-size:10pt}main,header{max-width:none;padding:0}header{padding-top:0}.tools{display:none}
.wide{overflow:visible;border:0}table{font-size:7.5pt}th,td{padding:2pt 4pt;min-width:0;max-width:none}thead{display:table-header-group}tr,img{break-inside:avoid}h2{break-after:avoid}section{margin:14pt 0}}
`;

/** Filters what is shown by the words in the box; without it the page can be read all the same. */
export const pageScript = `
const tools=document.querySelector('.tools'),box=tools.querySelector('input'),told=tools.querySelector('output');
const rows=[...document.querySelectorAll('[data-row]')].map(row=>({row,text:row.textContent.normalize('NFC').toLowerCase()}));
const sections=[...document.querySelectorAll('section')];
tools.hidden=false;
box.addEventListener('input',()=>{
const words=box.value.normalize('NFC').toLowerCase().split(/\\s+/).filter(Boolean);
let found=0;
for(const {row,text} of rows){const fits=words.every(word=>text.includes(word));row.hidden=!fits;if(fits)found+=1}
for(const section of sections)section.hidden=words.length>0&&!section.querySelector('[data-row]:not([hidden])');
told.textContent=words.length===0?'':found+' '+told.dataset.found;
});
`;
