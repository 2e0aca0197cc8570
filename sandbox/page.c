#include "sandbox/page.h"

static const char style[] =
    ":root { color-scheme: light dark; --line: #d8d8d2; --soft: #6b6b66; --ground: #fdfdfb; --ink: #1c1c1a; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  :root { --line: #3a3a36; --soft: #a3a39b; --ground: #191918; --ink: #ecece6; }\n"
    "}\n"
    "body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;\n"
    "       background: var(--ground); color: var(--ink); }\n"
    "h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }\n"
    "p, .soft { color: var(--soft); }\n"
    "table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }\n"
    "th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }\n"
    "th.number, td.number { text-align: right; }\n"
    "details { border-bottom: 1px solid var(--line); padding: .5rem 0; }\n"
    "summary { cursor: pointer; overflow-wrap: anywhere; }\n"
    "summary .subject { font-weight: 600; }\n"
    "dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: .5rem 0; }\n"
    "dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }\n"
    "pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: .5rem 0 1rem; }\n";

struct text page_style(void)
{
    return text_from(style, sizeof(style) - 1);
}

/* RFC 5321's octets may be anything: first valid UTF-8, then HTML. */
static void add_escaped(struct builder *page, struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        switch (text.bytes[i]) {
        case '&': builder_add(page, TEXT("&amp;")); break;
        case '<': builder_add(page, TEXT("&lt;")); break;
        case '>': builder_add(page, TEXT("&gt;")); break;
        case '"': builder_add(page, TEXT("&quot;")); break;
        case '\'': builder_add(page, TEXT("&#39;")); break;
        default: builder_add_byte(page, text.bytes[i]);
        }
    }
}

static void add_sane(struct builder *page, struct text text)
{
    add_escaped(page, text_sane(page->arena, text));
}

static void add_source(struct builder *page, const struct source *source)
{
    builder_add(page, TEXT("<tr><td>"));
    add_sane(page, source_text(source));
    builder_format(page,
                   "</td><td class=\"number\">%zu</td><td class=\"number\">%zu</td><td class=\"number\">%llu</td>"
                   "<td class=\"number\">%llu</td><td class=\"number\">%llu</td></tr>\n",
                   source->open, source->most_open, (unsigned long long)source->connections,
                   (unsigned long long)source->dots, (unsigned long long)source->refused);
}

static void add_record(struct builder *page, const struct record *record)
{
    const struct source *source;
    size_t place = 0, shown = 0;
    builder_add(page, TEXT("<h2>What was counted</h2>\n<table>\n<thead><tr><th scope=\"col\">Source</th>"
                           "<th scope=\"col\" class=\"number\">Open now</th>"
                           "<th scope=\"col\" class=\"number\">Most at once</th>"
                           "<th scope=\"col\" class=\"number\">Connections</th>"
                           "<th scope=\"col\" class=\"number\">Messages</th>"
                           "<th scope=\"col\" class=\"number\">Refused (421)</th></tr></thead>\n<tbody>\n"));
    while (shown < PAGE_SOURCES && (source = record_next_source(record, &place)) != NULL)
        if (source->connections > 0) {
            add_source(page, source);
            shown++;
        }
    builder_add(page, TEXT("</tbody>\n</table>\n"));
    if (shown == 0)
        builder_add(page, TEXT("<p>Nobody has connected yet.</p>\n"));
}

static void add_field(struct builder *page, const char *name, struct text value)
{
    builder_format(page, "<dt>%s</dt><dd>", name);
    add_sane(page, value);
    builder_add(page, TEXT("</dd>"));
}

static void add_message(struct builder *page, const struct received *received)
{
    builder_add(page, TEXT("<details><summary><span class=\"subject\">"));
    add_sane(page, received->subject.length > 0 ? received->subject : TEXT("(no subject)"));
    builder_add(page, TEXT("</span> <span class=\"soft\">to "));
    add_sane(page, received->to[0]);
    builder_add(page, TEXT(", "));
    add_sane(page, instant_text(page->arena, received->moment.at));
    builder_add(page, TEXT("</span></summary>\n<dl>"));
    add_field(page, "From", received->from);
    add_field(page, "Source", received->source);
    add_field(page, "Answer", text_is_none(received->answer) ? TEXT("none was given") : received->answer);
    builder_add(page, TEXT("</dl>\n<pre>"));
    add_escaped(page, text_slice(received->text, 0, PAGE_TEXT_MAX));
    builder_format(page, "</pre>\n<a href=\"/inbox/%llu/raw\">The message as it was sent</a></details>\n",
                   (unsigned long long)received->number);
}

static void add_inbox(struct builder *page, const struct inbox *inbox)
{
    uint64_t end = inbox_end(inbox), first = inbox_first(inbox);
    uint64_t from = end - first > PAGE_MESSAGES ? end - PAGE_MESSAGES : first;
    builder_format(page, "<h2>What came in</h2>\n<p>%llu messages are kept%s.</p>\n", (unsigned long long)(end - first),
                   from > first ? "; the newest hundred are shown" : "");
    for (uint64_t n = end; n > from; n--)
        add_message(page, inbox_get(inbox, n - 1));
}

struct text page_html(struct arena *arena, const struct inbox *inbox, const struct record *record)
{
    struct builder page = builder_in(arena);
    builder_add(&page, TEXT("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                            "<meta name=\"viewport\" content=\"width=device-width\">\n"
                            "<title>Evenpost sandbox</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n"
                            "<body>\n<main>\n<h1>Evenpost sandbox</h1>\n"
                            "<p>A receiver that counts. Mail that comes here goes to nobody.</p>\n"));
    add_inbox(&page, inbox);
    add_record(&page, record);
    builder_add(&page, TEXT("</main>\n</body>\n</html>\n"));
    return builder_text(&page);
}
