/* base/id: the vectors of RFC 9562 (appendix A.6) and of TypeID 0.3.0; ids of one process only rise. */
#include "base/id.h"

#include <stdarg.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "base/hash.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void an_id_is_the_type_id_of_its_uuid(void **state) /* catches: bits shifted by the two that are no part of it */
{
    (void)state;
    static const char *const rows[][2] = {
        { "00000000-0000-0000-0000-000000000000", "00000000000000000000000000" },
        { "ffffffff-ffff-ffff-ffff-ffffffffffff", "7zzzzzzzzzzzzzzzzzzzzzzzzz" },
        { "017f22e2-79b0-7cc3-98c4-dc0c0c07398f", "01fwhe4ydgfk1shh6w1g60eecf" },
        { "01890a5d-ac96-774b-bcce-b302099a8057", "01h455vb4pex5vsknk084sn02q" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct uuid uuid, back;
        assert_true(uuid_parse(text_of(rows[i][0]), &uuid));
        assert_string_equal(text_terminated(arena, uuid_text(arena, uuid)), rows[i][0]);
        struct text id = id_text(arena, ID_MESSAGE, uuid);
        assert_string_equal(text_terminated(arena, text_after(id, 4)), rows[i][1]);
        assert_int_equal(id_parse(id, ID_MESSAGE, &back), ID_GOOD);
        assert_true(uuid_equal(uuid, back));
    }
}

static void what_is_no_id_is_refused(void **state) /* catches: Crockford's substitutions, upper case, an overflow */
{
    (void)state;
    static const struct {
        const char *text;
        enum id_fault fault;
    } rows[] = {
        { "msg_01fwhe4ydgfk1shh6w1g60eecf", ID_GOOD },
        { "mbx_01fwhe4ydgfk1shh6w1g60eecf", ID_OTHER_KIND },
        { "msg_8zzzzzzzzzzzzzzzzzzzzzzzzz", ID_MALFORMED },
        { "msg_01FWHE4YDGFK1SHH6W1G60EECF", ID_MALFORMED },
        { "msg_01fwhe4ydgfk1shh6w1g60eec", ID_MALFORMED },
        { "msg_01fwhe4ydgfk1shh6w1g60eecf0", ID_MALFORMED },
        { "msg_01fwhe4ydgfk1shh6w1g60eeci", ID_MALFORMED },
        { "msg_01fwhe4ydgfk1shh6w1g60eecl", ID_MALFORMED },
        { "msg_01fwhe4ydgfk1shh6w1g60eeco", ID_MALFORMED },
        { "msg_01fwhe4ydgfk1shh6w1g60eecu", ID_MALFORMED },
        { "_01fwhe4ydgfk1shh6w1g60eecf", ID_OTHER_KIND },
        { "01fwhe4ydgfk1shh6w1g60eecf", ID_MALFORMED },
        { " msg_01fwhe4ydgfk1shh6w1g60eecf", ID_OTHER_KIND },
        { "msg_01fwhe4ydgfk1shh6w1g60eecf ", ID_MALFORMED },
        { "msg_", ID_MALFORMED },
        { "", ID_MALFORMED },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct uuid uuid;
        assert_int_equal(id_parse(text_of(rows[i].text), ID_MESSAGE, &uuid), rows[i].fault);
    }
}

static void ids_of_one_maker_only_rise(void **state) /* T154; catches: a clock set back */
{
    (void)state;
    struct id_maker maker = { 0 };
    struct uuid last = UUID_NIL;
    uint64_t word = 1;
    for (int i = 0; i < 1000000; i++) {
        uint8_t random[10];
        word = hash_mix(word);
        memcpy(random, &word, 8);
        random[8] = random[9] = (uint8_t)i;
        struct instant now = { 1795513267000000 + (i % 3 == 2 ? -1000000 : i) };
        struct uuid uuid = id_next(&maker, now, random);
        assert_true(uuid_compare(last, uuid) < 0);
        assert_int_equal(uuid.bytes[6] >> 4, 7);
        assert_int_equal(uuid.bytes[8] >> 6, 2);
        last = uuid;
    }
}

static void the_hash_is_siphash_2_4(void **state) /* the vectors of its authors: key 00…0f, input 00, 01, … */
{
    (void)state;
    static const uint64_t rows[] = { 0x726fdb47dd0e0e31u, 0x74f839c593dc67fdu, 0x0d6c8009d9a94f5au,
                                     0x85676696d7fb7e2du, 0xcf2794e0277187b7u, 0x18765564cd99a68du,
                                     0xcbc9466e58fee3ceu, 0xab0200f58b01d137u, 0x93f5f5799a932462u };
    struct hash_key key = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };
    char bytes[16];
    for (size_t i = 0; i < COUNT(rows); i++) {
        bytes[i] = (char)i;
        assert_true(hash_text(key, text_from(bytes, i)) == rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_the_type_id_of_its_uuid),
        cmocka_unit_test(what_is_no_id_is_refused),
        cmocka_unit_test(ids_of_one_maker_only_rise),
        cmocka_unit_test(the_hash_is_siphash_2_4),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
