#include "base/instant.h"

static int64_t add_clamped(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b < 0 ? INT64_MIN + 1 : INT64_MAX;
    return sum;
}

struct instant instant_add(struct instant instant, int64_t duration_us)
{
    return (struct instant){ add_clamped(instant.us, duration_us) };
}

int64_t instant_since(struct instant later, struct instant earlier)
{
    return earlier.us == INT64_MIN ? INT64_MAX : add_clamped(later.us, -earlier.us);
}

struct tick tick_add(struct tick tick, int64_t duration_us)
{
    return (struct tick){ add_clamped(tick.us, duration_us) };
}

int64_t tick_since(struct tick later, struct tick earlier)
{
    return earlier.us == INT64_MIN ? INT64_MAX : add_clamped(later.us, -earlier.us);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return quotient - (a % b != 0 && (a < 0) != (b < 0));
}

/* Days from civil and back: the era of 400 years, March first (Howard Hinnant's chrono algorithms). */
struct day day_of_civil(struct civil civil)
{
    assert(civil_exists(civil));
    int64_t year = civil.year - (civil.month <= 2);
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (civil.month + (civil.month > 2 ? -3 : 9)) + 2) / 5 + civil.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (struct day){ (int32_t)(era * 146097 + day_of_era - 719468) };
}

struct civil civil_of_day(struct day day)
{
    int64_t days = (int64_t)day.number + 719468;
    int64_t era = floor_div(days, 146097);
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct civil civil = { .month = (int)(month + (month < 10 ? 3 : -9)) };
    civil.day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    civil.year = (int32_t)(year_of_era + era * 400 + (civil.month <= 2));
    return civil;
}

static bool is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool civil_exists(struct civil civil)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (civil.month < 1 || civil.month > 12 || civil.day < 1)
        return false;
    return civil.day <= lengths[civil.month - 1] + (civil.month == 2 && is_leap(civil.year));
}

int day_weekday(struct day day)
{
    int64_t weekday = ((int64_t)day.number + 3) % 7; /* 1970-01-01 was a Thursday */
    return (int)(weekday < 0 ? weekday + 7 : weekday);
}

struct day day_add(struct day day, int32_t days)
{
    return (struct day){ day.number + days };
}

struct text day_text(struct arena *arena, struct day day)
{
    struct civil civil = civil_of_day(day);
    return text_format(arena, "%04d-%02d-%02d", civil.year, civil.month, civil.day);
}

struct day day_of_instant_utc(struct instant instant)
{
    return (struct day){ (int32_t)floor_div(instant.us, US_PER_DAY) };
}

struct instant instant_of_day_utc(struct day day)
{
    return (struct instant){ (int64_t)day.number * US_PER_DAY };
}

static int64_t us_of_day(struct instant instant)
{
    return instant.us - instant_of_day_utc(day_of_instant_utc(instant)).us;
}

static struct text format_instant(struct arena *arena, struct instant instant, int64_t fraction_us)
{
    int64_t seconds = us_of_day(instant) / US_PER_SECOND;
    struct builder builder = builder_in(arena);
    builder_add(&builder, day_text(arena, day_of_instant_utc(instant)));
    builder_format(&builder, "T%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
    if (fraction_us > 0)
        builder_format(&builder, ".%06d", (int)fraction_us);
    builder_add_byte(&builder, 'Z');
    return builder_text(&builder);
}

struct text instant_text(struct arena *arena, struct instant instant)
{
    return format_instant(arena, instant, 0);
}

struct text instant_text_precise(struct arena *arena, struct instant instant)
{
    return format_instant(arena, instant, us_of_day(instant) % US_PER_SECOND);
}

struct text instant_mail_date(struct arena *arena, struct instant instant)
{
    static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct day day = day_of_instant_utc(instant);
    struct civil civil = civil_of_day(day);
    int64_t seconds = us_of_day(instant) / US_PER_SECOND;
    return text_format(arena, "%s, %02d %s %04d %02d:%02d:%02d +0000", days[day_weekday(day)], civil.day,
                       months[civil.month - 1], civil.year, (int)(seconds / 3600), (int)(seconds / 60 % 60),
                       (int)(seconds % 60));
}

/* Takes exactly `digits` digits off *text. */
static bool take_number(struct text *text, size_t digits, int *value)
{
    uint64_t number;
    if (text->length < digits || !text_to_uint(text_slice(*text, 0, digits), 9999, &number))
        return false;
    *value = (int)number;
    *text = text_after(*text, digits);
    return true;
}

static bool take_byte(struct text *text, char byte)
{
    if (text->length == 0 || text->bytes[0] != byte)
        return false;
    *text = text_after(*text, 1);
    return true;
}

static bool take_date(struct text *text, struct day *day)
{
    struct civil civil;
    int year;
    if (!take_number(text, 4, &year) || !take_byte(text, '-') || !take_number(text, 2, &civil.month) ||
        !take_byte(text, '-') || !take_number(text, 2, &civil.day))
        return false;
    civil.year = year;
    if (!civil_exists(civil))
        return false;
    *day = day_of_civil(civil);
    return true;
}

bool day_parse(struct text text, struct day *day)
{
    return take_date(&text, day) && text.length == 0;
}

/* ".123456789" after the seconds; digits past the sixth are dropped. */
static bool take_fraction(struct text *text, int64_t *us)
{
    int64_t unit = US_PER_SECOND / 10;
    *us = 0;
    if (!take_byte(text, '.'))
        return true;
    int digit;
    if (!take_number(text, 1, &digit))
        return false;
    do {
        *us += digit * unit;
        unit /= 10;
    } while (take_number(text, 1, &digit));
    return true;
}

static bool take_offset(struct text *text, int64_t *us)
{
    int hours, minutes, sign = 1;
    *us = 0;
    if (take_byte(text, 'Z') || take_byte(text, 'z'))
        return true;
    if (take_byte(text, '-'))
        sign = -1;
    else if (!take_byte(text, '+'))
        return false;
    if (!take_number(text, 2, &hours) || !take_byte(text, ':') || !take_number(text, 2, &minutes))
        return false;
    *us = sign * (hours * US_PER_HOUR + minutes * US_PER_MINUTE);
    return hours <= 23 && minutes <= 59;
}

bool instant_parse(struct text text, struct instant *instant)
{
    struct day day;
    int hour, minute, second;
    int64_t fraction_us, offset_us;
    if (!take_date(&text, &day) || !(take_byte(&text, 'T') || take_byte(&text, 't')) || !take_number(&text, 2, &hour) ||
        !take_byte(&text, ':') || !take_number(&text, 2, &minute) || !take_byte(&text, ':') ||
        !take_number(&text, 2, &second) || !take_fraction(&text, &fraction_us) || !take_offset(&text, &offset_us))
        return false;
    if (text.length > 0 || hour > 23 || minute > 59 || second > 59)
        return false;
    int64_t us_in_day = hour * US_PER_HOUR + minute * US_PER_MINUTE + second * US_PER_SECOND + fraction_us;
    *instant = instant_add(instant_of_day_utc(day), us_in_day - offset_us);
    return true;
}

struct text duration_text(struct arena *arena, int64_t duration_us)
{
    int64_t seconds = duration_us / US_PER_SECOND;
    if (duration_us < US_PER_SECOND)
        return text_format(arena, "%lld ms", (long long)(duration_us / US_PER_MS));
    if (seconds < 120)
        return text_format(arena, "%lld s", (long long)seconds);
    if (seconds < 7200)
        return text_format(arena, "%lld min", (long long)(seconds / 60));
    if (seconds < 48 * 3600)
        return text_format(arena, "%lld h %lld min", (long long)(seconds / 3600), (long long)(seconds / 60 % 60));
    return text_format(arena, "%lld days", (long long)(seconds / 86400));
}
