#include "policy/zone_rule.h"

/* 167 hours before a year's first day or after its last are in another: two years before, this one, two after. */
#define YEARS   5
#define CHANGES (2 * YEARS)

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool take_byte(struct text *rest, char byte)
{
    if (rest->length == 0 || rest->bytes[0] != byte)
        return false;
    *rest = text_after(*rest, 1);
    return true;
}

static bool take_number(struct text *rest, int max, int *number)
{
    size_t digits = 0;
    int value = 0;
    while (digits < rest->length && digits < 4 && rest->bytes[digits] >= '0' && rest->bytes[digits] <= '9')
        value = value * 10 + (rest->bytes[digits++] - '0');
    *rest = text_after(*rest, digits);
    *number = value;
    return digits > 0 && value <= max;
}

/* CET or <+0330>; nobody here reads the name. */
static bool take_name(struct text *rest)
{
    size_t length = 0;
    if (take_byte(rest, '<')) {
        length = text_find(*rest, '>');
        *rest = text_after(*rest, length);
        return take_byte(rest, '>');
    }
    while (length < rest->length && is_letter(rest->bytes[length]))
        length++;
    *rest = text_after(*rest, length);
    return length >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct text *rest, int hours_max, int32_t *time_s)
{
    int hours, minutes = 0, seconds = 0;
    bool negative = take_byte(rest, '-');
    if (!negative)
        (void)take_byte(rest, '+');
    if (!take_number(rest, hours_max, &hours))
        return false;
    if (take_byte(rest, ':')) {
        if (!take_number(rest, 59, &minutes))
            return false;
        if (take_byte(rest, ':') && !take_number(rest, 59, &seconds))
            return false;
    }
    int32_t value = hours * 3600 + minutes * 60 + seconds;
    *time_s = negative ? -value : value;
    return true;
}

/* POSIX counts west of Greenwich, everybody else east. */
static bool take_offset(struct text *rest, int32_t *east_s)
{
    if (!take_time(rest, 24, east_s))
        return false;
    *east_s = -*east_s;
    return true;
}

static bool take_week(struct text *rest, struct zone_date *date)
{
    return take_number(rest, 12, &date->month) && date->month >= 1 && take_byte(rest, '.') &&
           take_number(rest, 5, &date->week) && date->week >= 1 && take_byte(rest, '.') &&
           take_number(rest, 6, &date->weekday);
}

static bool take_day(struct text *rest, struct zone_date *date)
{
    if (take_byte(rest, 'M')) {
        date->form = ZONE_DATE_WEEK;
        return take_week(rest, date);
    }
    if (take_byte(rest, 'J')) {
        date->form = ZONE_DATE_JULIAN;
        return take_number(rest, 365, &date->number) && date->number >= 1;
    }
    date->form = ZONE_DATE_NTH;
    return take_number(rest, 365, &date->number);
}

static bool take_date(struct text *rest, struct zone_date *date)
{
    date->time_s = 2 * 3600;
    if (!take_byte(rest, ',') || !take_day(rest, date))
        return false;
    return !take_byte(rest, '/') || take_time(rest, 167, &date->time_s);
}

bool zone_rule_parse(struct text line, struct zone_rule *rule)
{
    *rule = (struct zone_rule){ 0 };
    if (!take_name(&line) || !take_offset(&line, &rule->standard_s))
        return false;
    if (line.length == 0)
        return true;
    rule->has_summer = true;
    rule->summer_s = rule->standard_s + 3600;
    if (!take_name(&line))
        return false;
    if (line.length > 0 && line.bytes[0] != ',' && !take_offset(&line, &rule->summer_s))
        return false;
    return take_date(&line, &rule->begin) && take_date(&line, &rule->end) && line.length == 0;
}

static struct day week_day(int32_t year, const struct zone_date *date)
{
    int32_t next_year = date->month == 12 ? year + 1 : year;
    int next_month = date->month == 12 ? 1 : date->month + 1;
    struct day first = day_of_civil((struct civil){ year, date->month, 1 });
    struct day after = day_of_civil((struct civil){ next_year, next_month, 1 });
    int monday_based = (date->weekday + 6) % 7;
    int ahead = (monday_based - day_weekday(first) + 7) % 7;
    struct day day = day_add(first, ahead + 7 * (date->week - 1));
    return day.number < after.number ? day : day_add(day, -7);
}

static struct day day_of(int32_t year, const struct zone_date *date)
{
    if (date->form == ZONE_DATE_WEEK)
        return week_day(year, date);
    struct day first = day_of_civil((struct civil){ year, 1, 1 });
    if (date->form == ZONE_DATE_NTH)
        return day_add(first, date->number);
    bool past_leap_day = date->number >= 60 && civil_exists((struct civil){ year, 2, 29 });
    return day_add(first, date->number - 1 + (past_leap_day ? 1 : 0));
}

static struct zone_change change_on(const struct zone_date *date, int32_t year, int32_t before_s, int32_t after_s)
{
    int64_t local_s = (int64_t)day_of(year, date).number * 86400 + date->time_s;
    return (struct zone_change){ local_s - before_s, after_s };
}

/* The changes of the years around this second, in order; where two fall together, summer time holds. */
static void changes_around(const struct zone_rule *rule, int64_t at_s, struct zone_change changes[CHANGES])
{
    int64_t days = at_s / 86400 - (at_s % 86400 < 0 ? 1 : 0);
    int32_t year = civil_of_day((struct day){ (int32_t)days }).year;
    for (int i = 0; i < YEARS; i++) {
        int32_t of = year - YEARS / 2 + i;
        struct zone_change begin = change_on(&rule->begin, of, rule->standard_s, rule->summer_s);
        struct zone_change end = change_on(&rule->end, of, rule->summer_s, rule->standard_s);
        bool end_first = end.at_s <= begin.at_s;
        changes[2 * i] = end_first ? end : begin;
        changes[2 * i + 1] = end_first ? begin : end;
    }
}

int32_t zone_rule_offset_s(const struct zone_rule *rule, int64_t at_s)
{
    if (!rule->has_summer)
        return rule->standard_s;
    struct zone_change changes[CHANGES];
    changes_around(rule, at_s, changes);
    int32_t offset_s = rule->standard_s;
    for (int i = 0; i < CHANGES && changes[i].at_s <= at_s; i++)
        offset_s = changes[i].offset_s;
    return offset_s;
}

int64_t zone_rule_next(const struct zone_rule *rule, int64_t at_s)
{
    if (!rule->has_summer)
        return INT64_MAX;
    struct zone_change changes[CHANGES];
    changes_around(rule, at_s, changes);
    for (int i = 0; i < CHANGES; i++)
        if (changes[i].at_s > at_s)
            return changes[i].at_s;
    unreachable("the year's after next lie ahead");
}
