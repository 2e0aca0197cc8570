-- Wrong states cannot be written: each of these must fail, by the constraint that is named.
\ir two_customers.sql
begin;
select no_plan();
create table wrong (constraint_name text, statement text);
insert into wrong values
    ('customers_live_has_identity', 'update customers set mode = ''live'''),
    ('customers_suspended_has_time', 'update customers set state = ''suspended'''),
    ('customers_closed_has_time', 'update customers set closed_at = created_at'),
    ('customers_recipient_gap_days_check', 'update customers set recipient_gap_days = 366'),
    ('api_keys_hash_check', 'update api_keys set hash = ''short'''),
    ('idempotency_keys_answer_check', 'update idempotency_keys set answer = null'),
    ('idempotency_keys_expiry_check', 'update idempotency_keys set expires_at = created_at'),
    ('ips_address_key', 'update ips set address = ''10.0.0.97'' where host = ''h'' and address = ''10.0.0.98'''),
    ('ips_address_check', 'insert into ips (ip_id, address, host, created_at) values (id(''x'', ''a''), ''10.1.0.0/16'', ''h'', ''2026-11-23'')'),
    ('ips_quarantine_has_end', 'update ips set state = ''quarantined'''),
    ('ip_assignments_one_customer', 'insert into ip_assignments select id(''x'', ''a''), ip_id, id(''customer'', ''b''), address, during from ip_assignments where customer_id = id(''customer'', ''a'')'),
    ('lanes_halted_check', 'update lanes set halted = ''{tired}'''),
    ('lanes_released_is_halted', 'update lanes set released_at = assigned_at'),
    ('lanes_owner_is_whole', 'update lanes set host = ''h'''),
    ('mailboxes_address_key_key', 'insert into mailboxes (customer_id, mailbox_id, address, address_key, domain_id, pool_id, time_zone, window_days, window_start_min, window_end_min, daily_cap, created_at) select customer_id, id(''x'', ''a''), address, address_key, domain_id, pool_id, time_zone, 31, 540, 1020, 2, created_at from mailboxes where customer_id = id(''customer'', ''a'')'),
    ('mailboxes_window_check', 'update mailboxes set window_end_min = 554'),
    ('mailboxes_window_check', 'update mailboxes set window_end_min = 1441'),
    ('mailboxes_window_days_check', 'update mailboxes set window_days = 0'),
    ('mailboxes_daily_cap_check', 'update mailboxes set daily_cap = 3'),
    ('mailboxes_paused_has_time', 'update mailboxes set state = ''paused'''),
    ('mailboxes_closed_frees_ordinal', 'update mailboxes set state = ''closed'', closed_at = created_at'),
    ('mailboxes_ordinal_has_ip', 'update mailboxes set ip_id = null'),
    ('mailboxes_ordinal_has_ip', 'update mailboxes set ordinal = null'),
    ('messages_state_check', 'update messages set state = ''lost'', ended_at = created_at'),
    ('messages_ended_has_time', 'update messages set state = ''delivered'''),
    ('messages_ended_has_time', 'update messages set ended_at = created_at'),
    ('messages_explanation_code_check', 'update messages set explanation_code = ''because'''),
    ('messages_attempted_has_time', 'update messages set attempt_count = 1'),
    ('messages_body_check', 'update messages set text_body = null'),
    ('slots_pkey', 'insert into slots select customer_id, mailbox_id, local_day, number, day_from, day_until, message_id, ip_id, at, due_at, not_after, ''spent'', recipient_key, domain_key, booked_at, 1, at, at, at from slots'),
    ('slots_message_live', 'insert into slots select customer_id, mailbox_id, local_day, 1, day_from, day_until, message_id, ip_id, at, due_at, not_after, state, recipient_key, domain_key, booked_at from slots'),
    ('slots_number_check', 'update slots set number = 2'),
    ('slots_times_check', 'update slots set due_at = at - interval ''1 s'''),
    ('slots_times_check', 'update slots set not_after = day_until'),
    ('slots_state_check', 'update slots set state = ''maybe'', generation = 1, authorized_at = at, authorized_real_at = at'),
    ('slots_authorized_has_owner', 'update slots set state = ''authorized'''),
    ('slots_authorized_has_owner', 'update slots set generation = 1'),
    ('slots_spent_has_time', 'update slots set spent_at = at'),
    ('slots_message_id_fkey', 'update slots set message_id = id(''x'', ''a'')'),
    ('slots_mailbox_id_fkey', 'update slots set mailbox_id = id(''mailbox'', ''b'') where customer_id = id(''customer'', ''a'')'),
    ('openings_number_check', 'update openings set number = 2'),
    ('openings_times_check', 'update openings set at = not_after'),
    ('recipients_mark_is_whole', 'update recipients set first_message_id = null'),
    ('suppressions_kind_check', 'update suppressions set kind = ''domain'''),
    ('suppressions_address_key_key', 'insert into suppressions select customer_id, id(''x'', ''a''), address_key, kind, reason, created_at from suppressions'),
    ('attempts_outcome_check', 'update attempts set outcome = ''lost'''),
    ('attempts_stage_check', 'update attempts set stage = ''helo'''),
    ('events_type_check', 'update events set type = ''message.lost'''),
    ('routes_port_check', 'insert into routes values (''*'', ''127.0.0.1'', 0, ''none'', ''2026-11-23'')'),
    ('routes_tls_check', 'insert into routes values (''*'', ''127.0.0.1'', 25, ''maybe'', ''2026-11-23'')');

create function refused_by(statement text) returns text language plpgsql as $$
declare
    name text;
begin
    execute statement;
    return 'nothing';
exception when integrity_constraint_violation then
    get stacked diagnostics name = constraint_name;
    return name;
end
$$;
select is(refused_by(statement), constraint_name, statement) from wrong;
select is((select count(*) from pg_constraint where connamespace = 'public'::regnamespace and contype = 'c' and not convalidated), 0::bigint,
          'every check was checked');
select finish();
rollback;
