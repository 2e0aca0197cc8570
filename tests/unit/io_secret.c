/* io/secret: seals, digests, and the file of the master key. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/secret.h"

static struct secret_key *key, *other;
static const uint8_t nonce[12] = { 1, 2, 3 };

static enum secret_word read_key(const char *bytes, size_t length, mode_t mode, struct secret_key **into)
{
    char path[] = "/tmp/unit_io_secret.XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0 && write(file, bytes, length) == (ssize_t)length && fchmod(file, mode) == 0);
    close(file);
    enum secret_word word = secret_key_read(path, into);
    unlink(path);
    return word;
}

static int make_keys(void **state)
{
    (void)state;
    assert_int_equal(read_key("0123456789abcdef0123456789abcdef", 32, 0600, &key), SECRET_GOOD);
    assert_int_equal(read_key("0123456789abcdef0123456789abcdeF", 32, 0400, &other), SECRET_GOOD);
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    secret_key_free(&key);
    secret_key_free(&other);
    secret_key_free(&other);
    return 0;
}

static void a_master_key_is_its_owners_alone(void **state) /* catches: a key that a neighbour reads */
{
    (void)state;
    struct secret_key *read = NULL;
    static const char bytes[SECRET_FILE_MAX + 1] = { 0 };
    assert_int_equal(secret_key_read("/nowhere/key", &read), SECRET_NO_FILE);
    assert_int_equal(read_key(bytes, 64, 0640, &read), SECRET_OPEN_TO_ALL);
    assert_int_equal(read_key(bytes, 64, 0602, &read), SECRET_OPEN_TO_ALL);
    assert_int_equal(read_key(bytes, 31, 0600, &read), SECRET_TOO_SHORT);
    assert_int_equal(read_key(bytes, SECRET_FILE_MAX + 1, 0600, &read), SECRET_TOO_SHORT);
    assert_null(read);
}

static void a_seal_opens_in_its_place_only(void **state) /* catches: a sealed key moved to another customer's row */
{
    (void)state;
    struct arena *arena = arena_new();
    struct text plain;
    struct text sealed = secret_seal(arena, key, TEXT("webhooks/1"), nonce, TEXT("the secret"));
    assert_int_equal(sealed.length, 10 + SECRET_SEAL_OVERHEAD);
    assert_int_equal(text_find_text(sealed, TEXT("the secret")), sealed.length);
    assert_int_equal(secret_open(arena, key, TEXT("webhooks/1"), sealed, &plain), SECRET_GOOD);
    assert_true(text_equal(plain, TEXT("the secret")));
    assert_int_equal(secret_open(arena, key, TEXT("webhooks/2"), sealed, &plain), SECRET_FORGED);
    assert_null(plain.bytes);
    assert_int_equal(secret_open(arena, other, TEXT("webhooks/1"), sealed, &plain), SECRET_OTHER_KEY);
    sealed = secret_seal(arena, key, TEXT(""), nonce, TEXT(""));
    assert_int_equal(secret_open(arena, key, TEXT(""), sealed, &plain), SECRET_GOOD);
    assert_int_equal(plain.length, 0);
    arena_free(&arena);
}

static void no_bit_of_a_seal_may_change(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct text plain, sealed = secret_seal(arena, key, TEXT("place"), nonce, TEXT("secret"));
    for (size_t bit = 0; bit < sealed.length * 8; bit++) {
        char *forged = arena_copy(arena, sealed.bytes, sealed.length);
        forged[bit / 8] = (char)(forged[bit / 8] ^ 1 << bit % 8);
        assert_int_not_equal(secret_open(arena, key, TEXT("place"), text_from(forged, sealed.length), &plain),
                             SECRET_GOOD);
    }
    for (size_t length = 0; length < sealed.length; length++)
        assert_int_not_equal(secret_open(arena, key, TEXT("place"), text_from(sealed.bytes, length), &plain),
                             SECRET_GOOD);
    arena_free(&arena);
}

static void assert_digest(struct arena *arena, const uint8_t *digest, const char *hex)
{
    assert_true(text_equal(text_hex(arena, text_from((const char *)digest, SECRET_DIGEST)), text_of(hex)));
}

static void digests_are_the_standards(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    uint8_t digest[SECRET_DIGEST], again[SECRET_DIGEST];
    secret_sha256(TEXT("abc"), digest); /* FIPS 180-2, B.1 */
    assert_digest(arena, digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    secret_hmac_sha256(TEXT("Jefe"), TEXT("what do ya want for nothing?"), digest); /* RFC 4231 §4.3 */
    assert_digest(arena, digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    secret_derive(key, TEXT("cursor"), digest);
    secret_derive(key, TEXT("cursor"), again);
    assert_memory_equal(digest, again, sizeof(digest));
    secret_derive(key, TEXT("unsubscribe"), again);
    assert_memory_not_equal(digest, again, sizeof(digest));
    assert_int_not_equal(secret_key_id(key), secret_key_id(other));
    assert_true(secret_equal(TEXT("same"), TEXT("same")) && !secret_equal(TEXT("same"), TEXT("samE")));
    assert_false(secret_equal(TEXT("same"), TEXT("sam")));
    assert_true(secret_equal(TEXT_NONE, TEXT("")));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_master_key_is_its_owners_alone),
        cmocka_unit_test(a_seal_opens_in_its_place_only),
        cmocka_unit_test(no_bit_of_a_seal_may_change),
        cmocka_unit_test(digests_are_the_standards),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
