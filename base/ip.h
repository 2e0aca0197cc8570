/*
 * ip — an IPv4 or IPv6 address, as a value.
 *
 * Unused bytes are zero, so two addresses are equal when their bytes are. An IPv4-mapped IPv6 address is read as the
 * IPv4 address that it is: the same host must not count as two.
 */
#pragma once

#include "base/text.h"

struct ip {
    uint8_t bytes[16]; /* network order; IPv4 in the first four */
    uint8_t version;   /* 4 or 6; 0: none */
};

#define IP_NONE ((struct ip){ { 0 }, 0 })

/* Dotted decimal without leading zeros, or RFC 4291 text without zone or prefix length; nothing around it. */
MUST_USE bool ip_parse(struct text text, struct ip *ip);
struct text ip_text(struct arena *arena, struct ip ip); /* RFC 5952; IP_NONE gives "" */
bool ip_equal(struct ip a, struct ip b);
bool ip_is_none(struct ip ip);
bool ip_is_loopback(struct ip ip); /* 127.0.0.0/8, ::1 */
bool ip_is_private(struct ip ip);  /* RFC 1918, RFC 4193, link-local (RFC 3927, RFC 4291 §2.5.6) */
