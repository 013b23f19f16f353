"""Texts that a page could take for more than text: elements, handlers, addresses, styles, templates, ends of scripts, directions, sizes."""

TIMES = 20
"""How often each stands in every place where a page shows text."""
MEGABYTE = "<img src=x onerror=alert('mb')>" * 34_000
MARKUP = [
    "<script>alert('script')</script>",
    "</script><script>alert('ended')</script>",
    "<!--<script>alert('comment')</script>-->",
    "]]><script>alert('cdata')</script>",
    "<img src=x onerror=alert('img')>",
    "\"><svg onload=alert('svg')>",
    "' onfocus=alert('quote') autofocus='",
    '" onmouseover="alert(\'attribute\')" style="position:fixed;inset:0',
    "<iframe srcdoc=\"<script>alert('frame')</script>\"></iframe>",
    "<a href=\"javascript:alert('href')\">安全</a>",
    "javascript:alert('address')",
    "data:text/html,<script>alert('data')</script>",
    "<form action=http://127.0.0.1:9/form><input autofocus onfocus=alert('form')><button>送出</button></form>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/meta'>",
    "<link rel=stylesheet href=http://127.0.0.1:9/link.css>",
    "<style>@import 'http://127.0.0.1:9/import.css'; * { background: url(http://127.0.0.1:9/css.png) }</style>",
    "url(http://127.0.0.1:9/address.png)",
    "</textarea><script>alert('textarea')</script>",
    "</style></title></head></body></html><script>alert('page')</script>",
    "<template><img src=x onerror=alert('template')></template><math><mtext><script>alert('math')</script>",
    "<object data=http://127.0.0.1:9/object></object><embed src=http://127.0.0.1:9/embed><base href=http://127.0.0.1:9/>",
    "&lt;script&gt;alert('entity')&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62;",
    "{{ 7 * 7 }} {% raw %} ${alert('literal')} `${1}` %s {label} {0}",
    '=HYPERLINK("http://127.0.0.1:9/")\t+1\t-1\t@SUM(1)',
    "\u202e\u2066倒转\u2069\u202c\u200f\u061c direction",
    "\u2028\u2029 lines \u0085\x0b\x0c ends",
    "\x00\x07\x1b[31m\x7f\ufeff\u200b\ue000\U0010ffff hidden",
    "a\u0301\u0489" * 300,
    "__proto__",
    '\\u003cscript\\u003e \\x3cimg \\" \\',
]
