//! Files as operators write them: every form, with comments in odd places.

/// They name the plugins `a` and `b`, and say nothing of `c`.
pub(super) const FILES: &[&str] = &[
    "",
    "# only a comment",
    "\n\n# one\n\n",
    // Headers, children before parents, comments everywhere.
    "# top\n\n[logs] # logs\nlevel = \"debug\" # loud\n\n# the one\n[plugins.a.grants] # grants of a\n# seen by lawyers\nconversation = true # yes\n\n[plugins.b]\n  # indented\n  enabled = false # off, see #42\n  isolation = { pool = 2 } # two\n  slots = [\n    # why\n    \"context-engine\", # this\n  ]\n\n# a again\n[plugins.a]\nenabled = true\n\n[[plugins.a.config.rules]] # first\nx = 1\n# second\n[[plugins.a.config.rules]]\nx = \"# no comment\"\n# the end",
    // Dotted keys, interleaved with others.
    "# d\nplugins.a.enabled = true # a1\nhttp.listen = \"127.0.0.1:1\"\nplugins.b.grants.state = false # b1\n# a2\nplugins.a.grants.conversation = false\nplugins.b.limits.memory = \"1 MiB\"\nslots.context-engine = \"a\" # engine\nplugins.a.config.\"x, y\" = [1, 2] # odd\n",
    // All inline.
    "plugins = { a = { enabled = true, grants = { conversation = true } }, b = {}, deny = [\"z\"] } # inline\nslots = {context-engine=\"b\"} # s\n",
    // Dotted keys within braces and within a header.
    "[plugins] # header\nallow = [\"a\", \"b\", \"c\"] # these\na.enabled = true # dotted\nb = { grants.state = true, limits.memory = '2 MiB', grants.conversation = false } # braces\na.limits.waiting = 3\n# end of plugins\n\n[host]\ndurability = \"full\"\n",
    // Inline tables over several lines, with comments and a comma at the end.
    "[plugins]\nb = { # open\n  enabled = true, # first\n  # second\n  grants = { conversation = true }, # last\n} # close\na = {\n}\n",
    // Windows, without an end of the last line.
    "# crlf\r\n[plugins.a]\r\nenabled = true # a\r\n\r\n[plugins.b] # b\r\ngrants = { state = false }",
    // Quoted names and header spaces.
    "[ \"plugins\" . 'a' ] # spaces\n\"enabled\" = true\n'grants'.\"state\" = true # q\n[plugins.b.limits]\nhost-calls = 1_000 # many\n",
    // A mark of the byte order, as some editors write it; tabs.
    "\u{feff}[plugins.a] # marked\n\tenabled = true\t# tab\n",
    // A table that begins in dotted keys and goes on under a header, with dates and strings of several lines.
    "plugins.a.grants.state = true # dotted\n[plugins.a.config] # goes on\ntext = \"\"\"\n# no comment\n[plugins.b]\n\"\"\" # but this\nday = 2026-01-02 # day\n",
];
