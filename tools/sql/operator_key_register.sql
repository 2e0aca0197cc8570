-- operator_key_register: the launcher's own key, known to the server by its hash. The same key twice is one row.
-- psql variables: key_id, prefix, hash (hexadecimal), now (real time)
insert into operator_keys (key_id, name, prefix, hash, scopes, created_at)
values (:'key_id', 'evenpost up', :'prefix', decode(:'hash', 'hex'), array['*'], :'now')
on conflict on constraint operator_keys_hash_key do nothing;
