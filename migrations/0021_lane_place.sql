-- Where an owner lives beside its host's name: the network and process namespaces that it sees. Another namespace of the
-- same host is as far as another host: neither its lock, nor its sockets, nor its process can be seen from here. And what
-- keeps an owner from sending may be that its host has run out of something.

set local citus.multi_shard_modify_mode = 'sequential';
alter table lanes
    add column place text,  -- null: not known
    drop constraint lanes_trouble_check,
    add constraint lanes_trouble_check check (trouble in ('clock_wrong', 'address_missing', 'host_exhausted'));
