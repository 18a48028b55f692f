//! One file of each kind that has every key in every form. What the files say makes no sense together;
//! each is right by itself.

pub(super) const MAPPING: &str = r#"
format = 1
mapping = "alfa/T"
owner = "någon"
decision = "ett möte"
examples = 1
source = { system = "alfa", table = "T", key = ["A"], personal_key = true, repeats = "latest" }
person = { record = ["A"], number = { from = "N", date = "D", since = "2013-01-01", valid = { from = "F", to = "G" } }, protection = { from = "S", codes = "skydd", fallback = "okand_hog" }, name = { given = "E", family = "L" }, birth = "B", refers_to = [{ system = "beta", table = "U", from = ["X"], ground = "g" }] }
ignore = { Z = "behövs inte" }
immutable = { columns = ["A"], when = { column = "B", is = "present" } }

[[parent]]
name = "p"
system = "alfa"
table = "U"
on = { A = "B" }
when = { column = "C", in = ["1"] }
valid = { at = "D", from = "F", to = "G", slack_minutes = 5 }

[[neighbour]]
name = "n"
direction = "after"
group = ["A"]
order = "D"
when = [{ column = "C", not_in = ["1"] }]

[[count]]
name = "c"
system = "alfa"
table = "U"
on = { A = "B" }
when = { column = "C", from = "2015-01-26", before = "2016-01-26" }
distinct = "E"

[[sum]]
name = "s"
system = "alfa"
table = "U"
on = { A = "B" }
when = { column = "C", before = "2016-01-26" }
value = "V"
minus = { column = "W", in = ["K"] }

[[minutes]]
name = "m"
system = "alfa"
table = "U"
on = { A = "B" }
when = { column = "C", is = "absent" }
from = "F"
to = "G"

[[earliest]]
name = "e"
system = "alfa"
table = "U"
on = { A = "B" }
when = { column = "C", is = "present" }
value = "V"

[[latest]]
name = "l"
system = "alfa"
table = "U"
on = { A = "B" }
when = { column = "C", is = "present" }
value = "V"

[[code]]
name = "k"
codes = "lista"
from = "A"
date = "D"

[[code]]
name = "k2"
codes = "lista"
const = "X"

[[first]]
name = "f"
from = ["A", "B"]

[scope]
area = { from = "A", codes = "lista", date = "D", fallback = "x", default = "y" }
namnd = { from = "A", fn = "join", with = { separator = "-" } }
unit = { const = "1" }
year = "D"
sekretess = "osl_26_1"

[[exclude]]
reason = "utanfor_omfattning"
about = "därför"
when = { column = "A", in = ["1"] }

[[check]]
rule = "D32"
fn = "later_than"
from = ["A", "B"]
with = { months = 4 }
action = "quarantine"
when = { column = "A", is = "present" }

[[target]]
entity = "thing"
when = { column = "A", is = "present" }

[target.fields]
id = { id = ["A"], part = "x" }
a = { from = ["A", "B"], fn = "join", with = { separator = "-" }, required = true, on_bad = "flag", default = "x", when = { column = "A", is = "present" } }
b = { from = "A", codes = "lista", date = "D", fallback = "x", on_unknown = "quarantine" }
c = { ref = "thing", from = ["A"], system = "alfa", table = "U", part = "x" }
d = { const = true }
e = { from = "A" }

[[example]]
about = "visar"
source = { A = 1 }
given = { "p.B" = "x" }
marks = ["D24"]
quarantined = "D24"
thing = [{ a = "x" }]

[[target]]
entity = "other"

[target.fields]
id = { id = "A" }
area = { ref = "thing", from = "A" }
"#;

pub(super) const ABOUT: &str = r#"
format = 1
mapping = "alfa/T"
owner = "någon"
decision = "ett möte"
examples = 1
source = { system = "alfa", table = "T", key = "A" }
person = { about = { system = "beta", table = "U", from = ["X"] } }
scope = { area = { ref = "thing", from = ["A"], system = "alfa", table = "U", part = "x" }, namnd = { id = ["A"], part = "x" }, unit = { from = "A" } }
target = { entity = "thing", fields = { id = { id = ["A"] } } }
example = { about = "visar" }
"#;

pub(super) const LINK: &str = r#"
format = 1
mapping = "alfa/T"
owner = "någon"
decision = "ett möte"
examples = 1
source = { system = "alfa", table = "T", key = ["A"] }
person = { link = { system = "beta", table = "U", a = ["X"], b = ["Y"], ground = "g", when = { column = "A", is = "present" } } }
target = [{ entity = "thing", fields = { id = { id = ["A"] } } }]
example = [{ about = "visar" }]
"#;

pub(super) const NAMED: &str = r#"
format = 1
mapping = "alfa/T"
owner = "någon"
decision = "ett möte"
examples = 1
source = { system = "alfa", table = "T", key = ["A"] }
person = { record = "A", name = { whole = "E" } }
target = [{ entity = "thing", fields = { id = { id = ["A"] } } }]
example = [{ about = "visar" }]
"#;

/// The model that the mappings are checked against.
pub(super) const THINGS: &str = r#"
format = 1

[[entity]]
name = "thing"
label = "Sak"
about = "En sak"
retention = "r"
sekretess = "osl_26_1"
fields = [
  { name = "a", type = "text", label = "A" },
  { name = "b", type = "code", label = "B" },
  { name = "c", type = "ref", entity = "thing", label = "C" },
  { name = "d", type = "bool", label = "D" },
  { name = "e", type = "text", label = "E" },
]

[[entity]]
name = "other"
label = "Annat"
about = "Något annat"
retention = "r"
sekretess = "osl_26_1"
fields = [{ name = "area", type = "ref", entity = "thing", label = "Område" }]
"#;

pub(super) const MODEL: &str = r#"
format = 1
responsible_body = { entity = "thing", system = "alfa", table = "T" }

[[entity]]
name = "thing"
label = "Sak"
about = "En sak"
retention = "r"
sekretess = "osl_26_1"
validity = { from = "fran", to = "till", recorded = "kand", replaced = "ersatt" }
event = ["fran"]
akt = "akt_id"
fields = [
  { name = "fran", type = "date", label = "Från", about = "Första dagen", required = true, protection = "person" },
  { name = "till", type = "date", label = "Till" },
  { name = "kand", type = "time", label = "Känd" },
  { name = "ersatt", type = "time", label = "Ersatt" },
  { name = "akt_id", type = "ref", entity = "thing", label = "Akt" },
  { name = "antal", type = "decimal", scale = 2, label = "Antal" },
]
"#;

pub(super) const SYSTEM: &str = r#"
format = 1
system = "alfa"
label = "Alfa"
load_first = ["besok"]
ignored_tables = { personal = "finns inte" }
code_lists = { lista = 3 }
settled_after = 60

[[table]]
name = "besok"
files = "besok_{period}_{utforare}.csv"
columns = ["A", "B"]
optional = ["B"]
free_text = "A"
same_delivery = ["period"]
dialect = "v1"

[[control_line]]
table = "besok"
place = "last"
fields = ["SUMMA", "{rows}", "{sum:B}"]
from = "201401"
until = "201505"

[[expect]]
table = "besok"
per = ["period"]
given = "besok"

[[dialect]]
name = "v1"
files = "besok_{period}_{utforare}.csv"
from = "201401"
until = "201505"
encoding = "windows-1252"
separator = ";"
quoting = false
crlf = true
bom = false
"#;

pub(super) const CONTROL: &str = r#"
format = 1

[[control]]
name = "c"
label = "Kontroll"
unit = "ore"
dimension = "månad"
source = { system = "alfa", table = "T", key = ["A"], sum = "V", format = "money4", empty_is_missing = true, by = { column = "D", slice = "month", joined = true }, only = [{ column = "A", in = ["1"] }, { column = "A", not_in = ["1"] }, { column = "A", present = true }], join = { table = "U", on = ["A"], key = ["B"] } }
held = { system = "alfa", table = "T", key = ["A"], by = { column = "D" } }
target = { entity = "thing", sum = "belopp", by = { field = "d", joined = true }, only = [{ field = "a", in = ["1"] }, { field = "a", not_in = ["1"] }, { field = "a", present = false }], join = { entity = "other", on = ["a"], key = ["id"] } }
more = [{ held = { system = "alfa", table = "U", key = ["A"], by = { column = "D" } }, target = { entity = "thing", by = { field = "d" } } }]
"#;

pub(super) const QUALITY: &str = r#"
format = 1

[[rule]]
code = "D10"
owner = "SDF"
listed = false
advice = "Rätta i källan"
weight = "hög"
"#;

pub(super) const RETENTION: &str = r#"
format = 1
policy = { overdue = "hold", while_open = ["thing"] }

[[rule]]
name = "r"
label = "Fem år"
law = "Lagen (2001:453)"
lagrum = "SoL 12:1"
version = "SFS 2003:135"
valid_from = "2003-07-01"
trigger = "last_event"
years = 5
finish = "never"
disposition = "migrate"
status = "approved"

[[exemption]]
name = "a"
label = "Undantag"
lagrum = "SoL 12:2"
rules = ["r"]
entity = "thing"
field = "typ"
codes = ["x"]
disposition = "hold"
status = "unchecked"

[[exemption]]
name = "b"
label = "Undantag"
lagrum = "SoL 12:2"
born_on = ["5"]
born = ["fodelsedatum"]

[[exemption]]
name = "c"
label = "Undantag"
lagrum = "SoL 12:2"
while_kept = "r"
"#;
