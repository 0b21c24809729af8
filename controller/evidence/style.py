"""How the safety case looks: light, and good on paper."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:0;color:#1b1b1b;background:#fff}
main{max-width:1200px;margin:0 auto;padding:0 20px 40px}
h1{font-size:1.6em;margin:.8em 0 .1em}
h2{font-size:1.2em;margin:2em 0 .5em;border-bottom:1px solid #ccc}
h3{font-size:1em;margin:1.4em 0 .3em}
h3 span{font-weight:400;border:1px solid #ccc;border-radius:9px;padding:0 8px;font-size:.85em;white-space:nowrap}
.sub{color:#555}
.warn{border:2px solid #E69F00;border-radius:6px;padding:8px 16px;background:#fff9ec}
.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:1em 0}
.tile{border:1px solid #ccc;border-radius:6px;padding:8px 14px;min-width:110px}
.tile b{display:block;font-size:1.4em}
.tile span{color:#555;font-size:.85em}
table{border-collapse:collapse;width:100%;font-size:.9em}
td,th{padding:2px 10px 2px 0;text-align:left;vertical-align:top;border-bottom:1px solid #eee;overflow-wrap:break-word}
th{white-space:nowrap;color:#333}
td.n{color:#555;width:130px}
.ok{color:#00694c}
.bad{color:#a33f00;font-weight:600}
.mid{color:#7a5b00}
.mono,code{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}
a{color:#005a8c}
@media print{
body{font-size:9pt}
main{max-width:none;padding:0}
.hazard,.tile,.warn,tr{break-inside:avoid}
h2,h3{break-after:avoid}
a{color:inherit;text-decoration:none}
}
"""
