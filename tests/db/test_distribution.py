"""What keeps the door open to a distributed PostgreSQL (Citus, by customer_id): the schema and every statement.

Citus is not in Debian, so a lint stands for it: each rule here was seen to fail there, most of them without an error. A
finding names the file and what to write instead.
"""
import pathlib
import re
import sys

import psycopg
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import statements  # noqa: E402

# They belong to nobody or to everybody; every other table is a customer's.
PLATFORM = {"customers", "ips", "ip_assignments", "operator_keys", "operator_idempotency_keys", "migrations", "operator_audits",
            "routes", "works"}

# They read over customers because that is their work, a page at a time; none of them writes.
LOOKS_FOR_WORK = {"lanes_unseen", "mailboxes_to_lay", "mailboxes_waiting", "messages_expired", "slots_overdue"}
OPERATORS_LISTS = {"audits_read", "domains_read", "events_of_message_read", "events_read", "ip_owner", "ips_read",
                   "mailboxes_read", "messages_read", "pools_read", "suppressions_read"}
ACROSS = LOOKS_FOR_WORK | OPERATORS_LISTS

ROOMS = ("io", "jobs", "ledger", "server", "worker")
FILES = [path for room in ROOMS for path in sorted((ROOT / room / "sql").glob("*.sql"))]
MIGRATIONS = sorted((ROOT / "migrations").glob("*.sql"))


# ---- the catalog ----

@pytest.fixture(scope="module")
def server(session):
    database = session.cluster().start()
    yield psycopg.connect(database.url(), autocommit=True)
    database.end()


@pytest.fixture(scope="module")
def customer_tables(server):
    tables = {name for name, in server.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
        " and not relispartition")}
    assert PLATFORM <= tables
    return tables - PLATFORM


KEYS = """
select table_of.relname, name_of.relname, array_agg(coalesce(attname, '') order by place)
from pg_index
join pg_class table_of on table_of.oid = indrelid
join pg_class name_of on name_of.oid = indexrelid
cross join unnest(indkey) with ordinality as keys (number, place)
left join pg_attribute on attrelid = indrelid and attnum = number
where table_of.relnamespace = 'public'::regnamespace and not table_of.relispartition and (indisunique or indisexclusion)
group by table_of.relname, name_of.relname
"""


def test_every_key_of_a_customer_begins_with_the_customer(server, customer_tables):
    """Catches a unique constraint that no shard can hold."""
    wrong = [(table, key, columns) for table, key, columns in server.execute(KEYS)
             if table in customer_tables and columns[0] != "customer_id"]
    assert wrong == []


REFERENCES = """
select from_table.relname, to_table.relname, conname,
    array(select (select attname from pg_attribute where attrelid = conrelid and attnum = here)
          || '=' || (select attname from pg_attribute where attrelid = confrelid and attnum = there)
          from unnest(conkey, confkey) as pairs (here, there))
from pg_constraint
join pg_class from_table on from_table.oid = conrelid
join pg_class to_table on to_table.oid = confrelid
where contype = 'f' and conparentid = 0 and not from_table.relispartition
"""


def test_a_reference_stays_with_its_customer(server, customer_tables):
    """Catches a row of one shard that would have to look into another."""
    wrong = []
    for here, there, name, pairs in server.execute(REFERENCES):
        if there in customer_tables and (here not in customer_tables or pairs[0] != "customer_id=customer_id"):
            wrong.append((here, there, name, pairs))
    assert wrong == []


def test_no_address_is_in_a_customers_key(server, customer_tables):
    """Catches inet in a key: the IP of a customer is its id."""
    wrong = [(table, key) for table, key, columns in server.execute(KEYS) if table in customer_tables and any(
        server.execute("select atttypid = 'inet'::regtype from pg_attribute where attrelid = %s::regclass and attname = %s",
                       (table, column)).fetchone()[0] for column in columns if column)]
    assert wrong == []


def test_nothing_is_there_that_cannot_be_distributed(server, customer_tables):
    """Catches triggers, partitions of partitions, and generated keys of a sequence."""
    assert server.execute("select tgname from pg_trigger where not tgisinternal").fetchall() == []
    assert server.execute("select relname from pg_class where relkind = 'p' and relispartition").fetchall() == []
    partition_keys = server.execute("select partrelid::regclass::text, partattrs from pg_partitioned_table").fetchall()
    assert {table for table, _ in partition_keys} <= customer_tables


def test_every_program_signs_in_as_itself(server):
    """Catches a role that nodes cannot use (they connect as it), or that row-level security does not bind."""
    roles = server.execute("select rolname, rolcanlogin, rolsuper, rolbypassrls from pg_roles"
                           " where rolname like 'evenpost%'").fetchall()
    assert len(roles) >= 6 and all(login and not above and not beside for _, login, above, beside in roles), roles


# ---- the migrations ----

def bare(sql):
    """Without comments, strings and dollar-quoted bodies."""
    return re.sub(r"--[^\n]*|\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", " '' ", sql, flags=re.S)


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: path.stem)
def test_a_migration_names_its_constraints(path):
    """Catches a constraint that PostgreSQL names: Citus refuses it with a new column, and no code can tell it apart."""
    for statement in bare(path.read_text()).split(";"):
        words = " ".join(statement.split()).lower()
        if not re.match(r"(create|alter) table", words):
            continue
        assert not re.search(r"\badd (column )?\w+ [^,]*\b(check|unique|references|primary key)\b", re.sub(
            r"\badd constraint [^,]*", "", words)), f"two statements, the second `add constraint name`: {words}"
        for found in re.finditer(r"\b(check \(|primary key|unique|foreign key|exclude)", words):
            assert re.search(r"constraint \w+ $", words[:found.start()]), f"name it: {words[found.start():][:80]}"


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: path.stem)
def test_a_migration_asks_nothing_that_citus_refuses(path):
    """Catches a partition detached concurrently, and a trigger."""
    words = " ".join(re.sub(r"--[^\n]*", " ", path.read_text()).split()).lower()
    assert not re.search(r"\bdetach partition \S+ concurrently|\bcreate (constraint )?trigger\b", words)


# ---- the statements ----

def parts_of(sql):
    """The main statement and each CTE, with what stands in inner parentheses cut out; and the CTEs' names."""
    ctes, rest = {}, sql
    if re.match(r"\s*with\b", rest):
        rest = re.sub(r"^\s*with (recursive )?", "", rest)
        while True:
            head = re.match(r"\s*(\w+)\s*(\([^)]*\)\s*)?as\s*(not\s+)?(materialized\s+)?\(", rest)
            end = closing(rest, head.end() - 1)
            ctes[head[1]] = rest[head.end():end]
            rest = rest[end + 1:].lstrip()
            if not rest.startswith(","):
                break
            rest = rest[1:]
    return rest, ctes


def closing(text, opening):
    depth = 0
    for place in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place
    raise ValueError("a parenthesis is not closed")


def flat(text):
    """Without what stands in parentheses."""
    found, depth = [], 0
    for byte in text:
        depth -= byte == ")"
        found.append(byte if depth == 0 else "")
        depth += byte == "("
    return " ".join("".join(found).split())


def tables_of(level):
    """Alias to table, for what stands at this level."""
    found = {}
    for match in re.finditer(r"\b(?:from|join|update|using|into)\s+(?:lateral\s+)?(\w+)(?!\s*\()(?:\s+(?:as\s+)?(\w+))?((?:\s*,\s*\w+"
                             r"(?!\s*\()(?:\s+(?:as\s+)?\w+)?)*)", level):
        for table, alias in [(match[1], match[2])] + re.findall(r",\s*(\w+)(?!\s*\()(?:\s+(?:as\s+)?(\w+))?", match[3] or ""):
            kept = alias if alias and alias not in WORDS else table
            found[kept] = table
    return found


WORDS = {"where", "set", "on", "join", "left", "cross", "using", "order", "limit", "for", "group", "values", "returning", "inner",
         "as", "select", "full", "union", "from", "having", "default", "do"}


def says_customer(level, tables, customer_tables):
    """`customer_id = $n` of a customer table itself."""
    for alias in re.findall(r"(?:\b(\w+)\.)?\bcustomer_id = \$\d+", level):
        if alias == "" or tables.get(alias) in customer_tables:
            return True
    return False


def levels_of(sql):
    main, ctes = parts_of(bare(sql))
    return [("the main statement", main), *(("the CTE " + name, body) for name, body in ctes.items())], ctes


def levels_without_customer(sql, customer_tables):
    levels, ctes = levels_of(sql)
    for name, text in levels:
        level = flat(text)
        tables = {alias: table for alias, table in tables_of(level).items() if table not in ctes}
        looked_at = set(tables.values()) & customer_tables and not re.match(r"\s*insert\b", text)
        if looked_at and not says_customer(level, tables, customer_tables):
            yield f"{name}: say `customer_id = $1` of a table itself: {level}"


def hidden_inserts(sql, customer_tables):
    levels, _ = levels_of(sql)
    for name, text in levels[1:]:
        if re.match(r"\s*insert\b", text):
            yield f"{name} inserts: do it in a statement of its own"
    insert = re.match(r"\s*insert into (\w+)(?: as \w+)? \(([^)]*)\)\s*select\s(.*)", levels[0][1], re.S)
    if insert is None or insert[1] not in customer_tables:
        return
    place = [column.strip() for column in insert[2].split(",")].index("customer_id")
    source = flat(insert[3])
    given = source.split(" from ")[0].split(",")[place].strip()
    column = re.fullmatch(r"(?:(\w+)\.)?customer_id", given)
    if column is None or (column[1] and tables_of(source).get(column[1]) not in customer_tables):
        yield f"`{given}`: take customer_id from a column of a customer table"


def volatile(sql):
    words = bare(sql).lower()
    yield from re.findall(r"\b(set_config|random|gen_random_uuid|uuid_generate_v\d|nextval|timeofday|pg_advisory\w*)\s*\(", words)
    yield from re.findall(r"^\s*(set)\b", words)


def ids(path):
    return f"{path.parts[-3]}/{path.stem}"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_each_level_says_whose_it_is(path, customer_tables):
    """Catches a statement that fans out to every shard, or locks over several (rules 9 and 13)."""
    sql = statements.statement_of(path).sql
    assert path.stem in ACROSS or list(levels_without_customer(sql, customer_tables)) == []


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_no_insert_hides(path, customer_tables):
    """Catches rows that would go through the coordinator, which row-level security refuses (rules 10 and 11)."""
    assert list(hidden_inserts(statements.statement_of(path).sql, customer_tables)) == []


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_nothing_volatile_and_no_setting(path):
    """Catches set_config(), which reaches no shard, and what would be another value on each (rules 8 and 14)."""
    assert list(volatile(statements.statement_of(path).sql)) == []


@pytest.mark.parametrize("find, sql", [
    (levels_without_customer, "select at from slots where message_id = $1"),
    (levels_without_customer, "select at from slots where customer_id in (select $1)"),
    (levels_without_customer, "with own as (select customer_id from lanes where customer_id = $1)\n"
                              "select at from slots, own where slots.customer_id = own.customer_id"),
    (levels_without_customer, "with own as (select ip_id from lanes where ip_id = $2)\n"
                              "select at from slots, own where slots.customer_id = $1"),
    (levels_without_customer, "select at from slots join customers using (customer_id) where customers.customer_id = $1"),
    (levels_without_customer, "update slots set state = 'spent' where exists (select from lanes where customer_id = $1)"),
    (hidden_inserts, "with made as (insert into slots (customer_id) values ($1) returning *) select 1 from made"),
    (hidden_inserts, "insert into slots (at, customer_id) select u.at, $1 from unnest($2) as u (at)"),
    (hidden_inserts, "insert into slots (customer_id, at) select made.customer_id, made.at from made"),
    (volatile, "select set_config('app.customer_id', $1, true)"),
    (volatile, "update slots set number = random()"),
    (volatile, "set local app.customer_id = 'x'"),
])
def test_the_lint_sees(find, sql, customer_tables):
    """Catches a lint that finds nothing because it reads nothing."""
    assert len(list(find(sql) if find is volatile else find(sql, customer_tables))) == 1


def test_who_reads_over_customers_does_not_write():
    """Catches a list of exceptions that outlives them, or that hides a write."""
    names = {path.stem: path for path in FILES}
    assert set(ACROSS) <= set(names)
    for name in ACROSS:
        words = bare(statements.statement_of(names[name]).sql).lower()
        assert not re.search(r"\b(insert into|update \w+ set|delete from|for (no key )?update|for (key )?share)\b", words), name
