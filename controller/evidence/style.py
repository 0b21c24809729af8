"""How the safety case looks: light, and good on paper."""

from controller.report.style import BASE

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = (
    BASE
    + """
main{max-width:1200px}
h1{font-size:1.6em}
h2{font-size:1.2em;margin:2em 0 .5em;border-color:#ccc}
h3{font-size:1em;margin:1.4em 0 .3em}
h3 span{font-weight:400;border:1px solid #ccc;border-radius:9px;padding:0 8px;font-size:.85em;white-space:nowrap}
.warn{border:2px solid #E69F00;border-radius:6px;padding:8px 16px;background:#fff9ec}
.tile b{font-size:1.4em}
table{font-size:.9em}
td,th{overflow-wrap:break-word}
th{color:#333}
td.n{width:130px}
.mid{color:#7a5b00}
.mono,code{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}
a{color:#005a8c}
@media print{
body{font-size:9pt}
main{padding:0}
.hazard,.warn,tr{break-inside:avoid}
h3{break-after:avoid}
a{color:inherit;text-decoration:none}
}
"""
)
