/* Plays *.smtp scripts and *.table rows against mail/smtp_session: README.md says how they read. */

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"

#include "mail/dot.h"
#include "mail/smtp_session.h"

#include "play.h"

enum { SPLIT_NOT = -2, SPLIT_BYTES = -1, SPLITS = 64, SCRIPT_MAX = 1 << 20 };

struct play {
    const char *file;
    int line;
    int split; /* SPLIT_NOT, SPLIT_BYTES, or the place where each piece is cut in two */
    struct arena *arena;
    struct smtp_session *session;
    struct tick now;
    struct address from, to;
    struct smtp_message message;
    struct smtp_result result;
    bool ended; /* a result was taken */
};

NORETURN static void wrong(const struct play *play, const char *what, struct text expected, struct text found)
{
    fprintf(stderr, "%s:%d (split %d): %s\n  expected: %.*s\n  found:    %.*s\n", play->file, play->line, play->split,
            what, TEXT_ARG(expected), TEXT_ARG(found));
    exit(1);
}

static void expect_text(const struct play *play, const char *what, struct text expected, struct text found)
{
    if (!text_equal(expected, found))
        wrong(play, what, text_sane(play->arena, expected), text_sane(play->arena, found));
}

/* ---- words of a script ---- */

static struct text word_of(struct text *rest)
{
    struct text word = TEXT("");
    *rest = text_trim(*rest);
    bool there = text_cut(rest, ' ', &word);
    return there ? word : TEXT("");
}

static char escaped(const struct play *play, struct text *rest)
{
    char byte = rest->length > 1 ? rest->bytes[1] : 0;
    *rest = text_after(*rest, 2);
    switch (byte) {
    case 'r': return '\r';
    case 'n': return '\n';
    case 't': return '\t';
    case '\\':
    case '"': return byte;
    case 'x': break;
    default: wrong(play, "no such escape", TEXT("\\r \\n \\t \\\\ \\\" \\x00"), *rest);
    }
    unsigned value = text_nibble(rest->bytes[0]) * 16 + text_nibble(rest->bytes[1]);
    *rest = text_after(*rest, 2);
    return (char)(unsigned char)value;
}

/* A quoted text with escapes as it is; any other line with its CRLF. */
static struct text octets_of(const struct play *play, struct text line)
{
    struct builder out = builder_in(play->arena);
    if (!text_starts(line, TEXT("\""))) {
        builder_add(&out, line);
        builder_add(&out, TEXT("\r\n"));
        return builder_text(&out);
    }
    struct text rest = text_slice(line, 1, line.length - 2);
    while (rest.length > 0) {
        if (rest.bytes[0] == '\\') {
            builder_add_byte(&out, escaped(play, &rest));
            continue;
        }
        builder_add_byte(&out, rest.bytes[0]);
        rest = text_after(rest, 1);
    }
    return builder_text(&out);
}

/* ---- the message ---- */

static struct address address_of(const struct play *play, const char *text)
{
    struct address address = { 0 };
    if (address_parse(play->arena, text_of(text), &address) != ADDRESS_GOOD)
        wrong(play, "an address of the script is none", TEXT("an address"), text_of(text));
    return address;
}

static bool has_word(struct text rest, struct text wanted)
{
    struct text word = TEXT("");
    while (text_cut(&rest, ' ', &word)) {
        if (text_equal(word, wanted))
            return true;
    }
    return false;
}

static void offer(struct play *play, struct text options)
{
    struct builder octets = builder_in(play->arena);
    bool utf8 = has_word(options, TEXT("utf8"));
    play->from = address_of(play, "ann@sender.example");
    play->to = address_of(play, utf8 ? "bö@receiver.example" : "bo@receiver.example");
    builder_add(&octets, TEXT("Subject: hello\r\n\r\nHello Bo.\r\n"));
    if (has_word(options, TEXT("dots")))
        builder_add(&octets, TEXT(".\r\n..\r\n.a\r\n"));
    while (has_word(options, TEXT("big")) && octets.length < 5000000)
        builder_add(&octets, TEXT("a line of fifty octets, so that there is much of it\r\n"));
    play->message = (struct smtp_message){ &play->from, &play->to, { builder_text(&octets), utf8 } };
    smtp_session_offer(play->session, &play->message, play->now);
}

/* ---- what the peer and the kernel do ---- */

static void hear(struct play *play, struct text bytes)
{
    size_t cut = play->split == SPLIT_NOT ? bytes.length : play->split == SPLIT_BYTES ? 1 : (size_t)play->split;
    while (bytes.length > 0) {
        smtp_session_hear(play->session, text_slice(bytes, 0, cut), play->now);
        bytes = text_after(bytes, cut);
        if (play->split != SPLIT_BYTES)
            cut = bytes.length;
    }
}

static void hear_repeated(struct play *play, struct text rest)
{
    uint64_t octets = 0;
    struct text count = word_of(&rest), star = word_of(&rest);
    if (!text_to_uint(count, UINT64_MAX, &octets) || !text_equal(star, TEXT("*")))
        wrong(play, "a repeated piece", TEXT("S NUMBER * \"…\""), count);
    struct text piece = octets_of(play, rest);
    for (uint64_t sent = 0; sent < octets; sent += piece.length)
        smtp_session_hear(play->session, piece, play->now);
}

static void peer_says(struct play *play, struct text rest)
{
    if (text_find_text(rest, TEXT(" * \"")) < rest.length)
        hear_repeated(play, rest);
    else
        hear(play, octets_of(play, rest));
}

static void client_says(struct play *play, struct text expected)
{
    struct text output = smtp_session_output(play->session);
    expect_text(play, "the session says", expected, output);
    smtp_session_wrote(play->session, output.length, play->now);
}

/* The same stuffing, done here in another way: by lines. */
static struct text stuffed(const struct play *play, struct text content)
{
    struct builder out = builder_in(play->arena);
    struct text rest = text_slice(content, 0, content.length - 2), line = TEXT("");
    for (bool first = true; text_cut(&rest, '\n', &line); first = false) {
        if (!first)
            builder_add_byte(&out, '\n');
        if (text_starts(line, TEXT(".")))
            builder_add_byte(&out, '.');
        builder_add(&out, line);
    }
    return builder_text(&out);
}

static void take_content(struct play *play)
{
    struct builder taken = builder_in(play->arena);
    struct text expected = stuffed(play, play->message.content.octets);
    while (taken.length < expected.length) {
        struct text output = smtp_session_output(play->session);
        if (output.length == 0)
            break;
        size_t part = play->split > 0 ? MIN_OF(output.length, (size_t)play->split * 100) : output.length;
        builder_add(&taken, text_slice(output, 0, part));
        smtp_session_wrote(play->session, part, play->now);
    }
    expect_text(play, "the content", expected, builder_text(&taken));
    expect_text(play, "behind the content", TEXT(""), smtp_session_output(play->session));
}

static void wait_for(struct play *play, struct text rest)
{
    int64_t count = 0;
    bool seconds = text_ends(rest, TEXT("s")), minutes = text_ends(rest, TEXT("m"));
    if (!(seconds || minutes) || !text_to_int64(text_slice(rest, 0, rest.length - 1), &count))
        wrong(play, "a wait", TEXT("30s or 5m"), rest);
    play->now = tick_add(play->now, count * (seconds ? US_PER_SECOND : US_PER_MINUTE));
    struct tick until = smtp_session_until(play->session);
    if (!tick_is_none(until) && !tick_before(play->now, until))
        smtp_session_word(play->session, WORD_DEADLINE, play->now);
}

/* The peer takes a block of the content, and the next only after a while. */
static void trickle(struct play *play, struct text pause)
{
    for (struct text output; output = smtp_session_output(play->session), output.length > 0;) {
        smtp_session_wrote(play->session, output.length, play->now);
        wait_for(play, pause);
    }
}

/* ---- the polite way to a state ---- */

static void reach(struct play *play, struct text state)
{
    static const struct {
        const char *state, *client, *server; /* what the client says on entering it; the polite reply */
    } steps[] = {
        { "GREETING", NULL, "220 mx.receiver.example ESMTP" },
        { "EHLO", "EHLO client.example", "250 mx.receiver.example" },
        { "MAIL", "MAIL FROM:<ann@sender.example>", "250 2.1.0 ok" },
        { "RCPT", "RCPT TO:<bo@receiver.example>", "250 2.1.5 ok" },
        { "DATA", "DATA", "354 go ahead" },
    };
    offer(play, TEXT(""));
    smtp_session_word(play->session, WORD_CONNECTED, play->now);
    for (size_t i = 0; i < COUNT(steps); i++) {
        if (steps[i].client != NULL)
            client_says(play, octets_of(play, text_of(steps[i].client)));
        if (text_equal(state, text_of(steps[i].state)))
            return;
        hear(play, octets_of(play, text_of(steps[i].server)));
    }
    if (text_equal(state, TEXT("CONTENT")))
        return;
    take_content(play);
    if (text_equal(state, TEXT("HELD")))
        return;
    smtp_session_word(play->session, WORD_AUTHORIZED, play->now);
    client_says(play, DOT_END);
    if (text_equal(state, TEXT("DOT")))
        return;
    hear(play, TEXT("250 2.0.0 queued\r\n"));
    if (!smtp_session_result(play->session, &play->result) || play->result.outcome != SMTP_DELIVERED)
        wrong(play, "a polite conversation delivers", TEXT("delivered"), TEXT("not"));
    if (!text_equal(state, TEXT("IDLE")))
        wrong(play, "no such state", TEXT("GREETING … IDLE"), state);
}

/* ---- expectations ---- */

static void expect_needs(struct play *play, struct text expected)
{
    static const char *const names[] = { "connection", "peer", "authorization", "message", "close" };
    expect_text(play, "the session needs", expected, text_of(names[smtp_session_needs(play->session)]));
}

static void say_word(struct play *play, struct text word)
{
    static const struct {
        const char *name;
        enum smtp_word word;
    } words[] = {
        { "authorized", WORD_AUTHORIZED },
        { "not_authorized", WORD_NOT_AUTHORIZED },
        { "quit", WORD_QUIT },
        { "give_up", WORD_GIVE_UP },
        { "lost", WORD_PEER_LOST },
    };
    for (size_t i = 0; i < COUNT(words); i++) {
        if (text_equal(word, text_of(words[i].name))) {
            smtp_session_word(play->session, words[i].word, play->now);
            return;
        }
    }
    wrong(play, "no such word", TEXT("authorized …"), word);
}

static void expect_result(struct play *play, struct text expected)
{
    if (!smtp_session_result(play->session, &play->result))
        wrong(play, "the message has an end", expected, TEXT("no result"));
    play->ended = true;
    const struct smtp_result *result = &play->result;
    struct text enhanced = enhanced_code_text(play->arena, result->reply.enhanced);
    struct builder found = builder_in(play->arena);
    builder_add(&found, smtp_outcome_word(result->outcome));
    builder_add_byte(&found, ' ');
    builder_add(&found, smtp_stage_word(result->stage));
    if (result->reply.code == 0)
        builder_add(&found, TEXT(" -"));
    else
        builder_format(&found, " %d", result->reply.code);
    builder_add_byte(&found, ' ');
    builder_add(&found, text_is_none(enhanced) ? TEXT("-") : enhanced);
    expect_text(play, "the message's end", expected, builder_text(&found));
}

static void expect_no_result(struct play *play)
{
    if (smtp_session_result(play->session, &play->result))
        wrong(play, "nothing has ended", TEXT("no result"), smtp_outcome_word(play->result.outcome));
}

static void expect_in_transcript(struct play *play, struct text line)
{
    struct text rest = play->result.transcript, found = TEXT("");
    while (text_cut(&rest, '\n', &found)) {
        if (text_equal(found, line))
            return;
    }
    wrong(play, "a line of the transcript", line, play->result.transcript);
}

static void expect_farewell(struct play *play, struct text code)
{
    expect_text(play, "the farewell", code, text_format(play->arena, "%d", smtp_session_farewell(play->session)->code));
}

/* ---- a script ---- */

static void play_line(struct play *play, struct text line)
{
    struct text rest = line, verb = word_of(&rest);
    if (text_equal(verb, TEXT("S")))
        peer_says(play, rest);
    else if (text_equal(verb, TEXT("C")))
        client_says(play, octets_of(play, rest));
    else if (text_equal(verb, TEXT("message")))
        offer(play, rest);
    else if (text_equal(verb, TEXT("connected")))
        smtp_session_word(play->session, WORD_CONNECTED, play->now);
    else if (text_equal(verb, TEXT("reach")))
        reach(play, rest);
    else if (text_equal(verb, TEXT("content")))
        take_content(play);
    else if (text_equal(verb, TEXT("silent")))
        expect_text(play, "the session is silent", TEXT(""), smtp_session_output(play->session));
    else if (text_equal(verb, TEXT("needs")))
        expect_needs(play, rest);
    else if (text_equal(verb, TEXT("trickle")))
        trickle(play, rest);
    else if (text_equal(verb, TEXT("wait")))
        wait_for(play, rest);
    else if (text_equal(verb, TEXT("word")))
        say_word(play, rest);
    else if (text_equal(verb, TEXT("result")))
        expect_result(play, rest);
    else if (text_equal(verb, TEXT("trouble")))
        expect_text(play, "the trouble", rest, smtp_trouble_word(play->result.trouble));
    else if (text_equal(line, TEXT("no result")))
        expect_no_result(play);
    else if (text_equal(verb, TEXT("farewell")))
        expect_farewell(play, rest);
    else if (text_equal(verb, TEXT("transcript")))
        expect_in_transcript(play, rest);
    else
        wrong(play, "no such line", TEXT("README.md"), line);
}

static void play_once(const char *file, struct text script, int split)
{
    struct play play = { .file = file, .split = split, .arena = arena_new(), .now = { 1000000 } };
    play.session = smtp_session_new(TEXT("client.example"), play.now);
    struct text line = TEXT("");
    while (text_cut(&script, '\n', &line)) {
        play.line++;
        line = text_trim(line);
        if (line.length > 0 && line.bytes[0] != '#')
            play_line(&play, line);
    }
    expect_no_result(&play);
    smtp_session_free(&play.session);
    arena_free(&play.arena);
}

struct text play_read(struct arena *arena, const char *path)
{
    FILE *stream = fopen(path, "r");
    if (stream == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(2);
    }
    char *bytes = arena_bytes(arena, SCRIPT_MAX);
    size_t length = fread(bytes, 1, SCRIPT_MAX, stream);
    fclose(stream);
    return text_from(bytes, length);
}

void play_script(const char *name, struct text script)
{
    bool heavy = text_find_text(script, TEXT("# heavy")) < script.length;
    for (int split = SPLIT_NOT; split < (heavy ? 1 : SPLITS); split++) {
        if (split != 0)
            play_once(name, script, split);
    }
}

/* How many conversations it holds: a script is one, a table has a row for each. */
static int play_file(const char *path)
{
    if (text_ends(text_of(path), TEXT(".table")))
        return table_play(path);
    struct arena *arena = arena_new();
    play_script(path, play_read(arena, path));
    arena_free(&arena);
    return 1;
}

static int is_played(const struct dirent *entry)
{
    struct text name = text_of(entry->d_name);
    return text_ends(name, TEXT(".smtp")) || text_ends(name, TEXT(".table"));
}

static int play_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_played, alphasort), played = 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        played += play_file(path);
        free(entries[i]);
    }
    free(entries);
    return played;
}

int main(int argc, char **argv)
{
    int played = 0;
    for (int i = 1; i < argc; i++) {
        struct stat status;
        if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode)) {
            played += play_folder(argv[i]);
            continue;
        }
        played += play_file(argv[i]);
    }
    printf("%d conversations\n", played);
    return played > 0 ? 0 : 2;
}
