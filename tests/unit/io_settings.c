/* io/settings: what comes from flags and the environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/ip.h"
#include "io/settings.h"

static const char *listen_at;
static int64_t connections;
static bool loud;
static struct setting_texts ips;
static const char *secret;

static const struct setting rows[] = {
    { .name = "listen",
      .variable = "T_LISTEN",
      .type = SETTING_TEXT,
      .into = &listen_at,
      .standard = "127.0.0.1:8025",
      .unit = "ADDRESS:PORT",
      .sentence = "Where to listen." },
    { .name = "connections",
      .variable = "T_CONNECTIONS",
      .type = SETTING_NUMBER,
      .into = &connections,
      .standard = "8",
      .min = 1,
      .max = 16,
      .unit = "connections",
      .sentence = "To the database." },
    { .name = "loud", .variable = "T_LOUD", .type = SETTING_SWITCH, .into = &loud, .sentence = "Say more." },
    { .name = "ip", .variable = "T_IPS", .type = SETTING_TEXTS, .into = &ips, .unit = "ADDRESS", .sentence = "An IP." },
    { .name = "secret-file",
      .variable = "T_SECRET",
      .type = SETTING_TEXT,
      .into = &secret,
      .required = true,
      .unit = "FILE",
      .sentence = "The master key\\." },
};
static const struct settings settings = { "unit", "A program of a test.", rows, COUNT(rows) };

static const char *(*environment_now)(const char *name);

static const char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static const char *some_environment(const char *name)
{
    if (strcmp(name, "T_IPS") == 0)
        return "127.0.0.1, ::1,";
    if (strcmp(name, "T_LOUD") == 0)
        return "yes";
    if (strcmp(name, "T_SECRET") == 0)
        return "/secret";
    return strcmp(name, "T_CONNECTIONS") == 0 ? "3" : NULL;
}

static enum settings_word parse(struct arena *arena, const char *line, struct text *words)
{
    char *argv[16] = { "unit" };
    int argc = 1;
    char *copy = text_terminated(arena, text_of(line));
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    return settings_parse(arena, &settings, argc, argv, environment_now, words);
}

static void a_flag_comes_before_the_environment_before_the_standard(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct text words;
    environment_now = some_environment;
    assert_int_equal(parse(arena, "--connections=5 --ip 10.0.0.1 --ip 10.0.0.2", &words), SETTINGS_READ);
    assert_int_equal(connections, 5);
    assert_int_equal(ips.count, 2);
    assert_string_equal(ips.items[1], "10.0.0.2");
    assert_string_equal(listen_at, "127.0.0.1:8025");
    assert_true(loud);
    assert_int_equal(parse(arena, "", &words), SETTINGS_READ);
    assert_int_equal(connections, 3);
    assert_int_equal(ips.count, 2);
    assert_string_equal(ips.items[0], "127.0.0.1");
    assert_string_equal(ips.items[1], "::1");
    arena_free(&arena);
}

static void a_wrong_setting_names_itself_and_its_limit(void **state) /* catches: atoi() */
{
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        { "--secret-file f --connections 0", "--connections is `0`: write a number from 1 to 16" },
        { "--secret-file f --connections 17", "from 1 to 16" },
        { "--secret-file f --connections 8x", "`8x`" },
        { "--secret-file f --connections 99999999999999999999", "from 1 to 16" },
        { "--secret-file f --connections", "--connections wants a value: connections" },
        { "--secret-file f --colour red", "--colour is not known" },
        { "--secret-file f --loud=maybe", "--loud is `maybe`: write 1, 0, yes or no" },
        { "--secret-file f extra", "`extra` is no option" },
        { "--secret-file f --", "`--` is no option" },
        { "--secret-file f -x", "`-x` is no option" },
        { "", "--secret-file is required (or T_SECRET): The master key" },
        { "--secret-file=", "--secret-file is required" },
    };
    environment_now = no_environment;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena *arena = arena_new();
        struct text words = TEXT_NONE;
        assert_int_equal(parse(arena, cases[i].line, &words), SETTINGS_WRONG);
        assert_true(text_starts(words, TEXT("unit: ")));
        if (text_find_text(words, text_of(cases[i].says)) == words.length)
            fail_msg("`%s` gives: %.*s", cases[i].line, TEXT_ARG(words));
        arena_free(&arena);
    }
}

static void help_and_manual_name_every_row(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct text help, manual;
    environment_now = no_environment;
    assert_int_equal(parse(arena, "--connections nonsense? --help", &help), SETTINGS_SHOWN);
    assert_int_equal(parse(arena, "--manual", &manual), SETTINGS_SHOWN);
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(text_find_text(help, text_of(rows[i].name)) < help.length);
        assert_true(text_find_text(manual, text_of(rows[i].name)) < manual.length);
    }
    assert_true(text_find_text(help, TEXT("1 to 16. Default: 8. Environment: T_CONNECTIONS.")) < help.length);
    assert_true(text_find_text(manual, TEXT("The master key\\e.")) < manual.length);
    arena_free(&arena);
}

static void an_address_has_a_port(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        uint16_t port;
    } cases[] = {
        { "127.0.0.1:8025", true, 8025 },
        { "[::1]:25", true, 25 },
        { "::1:25", false, 0 },
        { "127.0.0.1", false, 0 },
        { "127.0.0.1:0", false, 0 },
        { "*:25", false, 0 },
        { "127.0.0.1:65536", false, 0 },
        { ":25", false, 0 },
        { "localhost:25", false, 0 },
        { "[::1:25", false, 0 },
        { "127.0.0.1:", false, 0 },
        { "", false, 0 },
        { "[::ffff:127.0.0.1]:1", true, 1 },
    };
    struct ip ip;
    uint16_t port;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(settings_address(cases[i].text, &ip, &port), cases[i].good);
        if (cases[i].good)
            assert_int_equal(port, cases[i].port);
    }
    assert_int_equal(ip.version, 4); /* the last one, mapped, is the IPv4 address that it is */
    assert_false(settings_address(NULL, &ip, &port));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flag_comes_before_the_environment_before_the_standard),
        cmocka_unit_test(a_wrong_setting_names_itself_and_its_limit),
        cmocka_unit_test(help_and_manual_name_every_row),
        cmocka_unit_test(an_address_has_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
