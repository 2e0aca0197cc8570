-- ip_patch: the host, the name and the state of an address; null: as it is. An assigned one keeps its state.
-- takes: ip uuid, host text?, ptr_changes boolean, ptr text?, state text?
-- gives: state text
-- costs: one key look-up
update ips
set host = coalesce($2, host), ptr = case when $3 then $4 else ptr end, state = coalesce($5, state),
    available_at = case when coalesce($5, state) = 'quarantined' then available_at end
where ip_id = $1 and ($5::text is null or state = $5 or state <> 'assigned')
returning state
