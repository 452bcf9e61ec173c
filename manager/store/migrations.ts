// The database's versions, oldest first. A released migration never changes; the next one is added below it.

export const migrations: readonly string[] = [
  `
  create table meta (key text primary key, value text not null) strict;

  create table devices (
    id text primary key, name text, description text not null, labels text not null, interval_s integer, epoch_floor integer,
    registered_at integer not null, epoch integer not null, sequence integer not null, ended text, lost integer not null,
    beat_s integer not null, engine integer not null, state text not null, reason text, since integer not null, last_seen integer,
    facts text, metrics text, held integer not null
  ) strict;
  create table reports (device text primary key, payload blob not null) strict;

  create table groups (name text primary key, created_at integer not null) strict;
  create table members (group_name text not null, device text not null, primary key (group_name, device)) strict, without rowid;
  create index members_by_device on members (device);

  create table apps (
    id integer primary key, kind text not null, target text not null, name text not null, revision integer not null, run text not null,
    created_at integer not null, updated_at integer not null, deleted_at integer, unique (kind, target, name)
  ) strict;
  create table revisions (
    app integer not null, revision integer not null, digest text not null, services text not null, origin text not null,
    created_at integer not null, primary key (app, revision)
  ) strict;
  create table specs (digest text primary key, compose text not null, payload blob not null, published integer not null) strict;

  create table targets (
    kind text not null, name text not null, revision integer not null, published integer not null, gone integer not null,
    primary key (kind, name)
  ) strict;
  create index targets_pending on targets (revision) where published < revision or gone = 1;
  create table tombstones (device text primary key, mode text not null, confirmed integer not null, released_at integer not null) strict;

  create table events (
    id integer primary key autoincrement, at integer not null, type text not null, device text, group_name text, app text,
    message text not null, data text not null
  ) strict;
  create index events_by_device on events (device, id);
  `,
  `
  create table bodies (digest text primary key, published integer not null, payload blob not null) strict;
  insert into bodies select digest, published, payload from specs;
  drop table specs;
  alter table bodies rename to specs;
  create table spec_files (spec text not null, file text not null, primary key (spec, file)) strict, without rowid;
  `,
  `
  alter table apps add column refresh integer;
  alter table apps add column refresh_services text;
  alter table apps add column policy text not null default '{}';
  create table purges (
    id integer primary key, kind text not null, target text not null, name text not null, volumes integer not null, images integer not null,
    unique (kind, target, name)
  ) strict;
  `,
  `
  create table commands (
    number integer primary key autoincrement, topic text not null, sender_id text not null, digest blob not null, answer text not null,
    at integer not null, unique (topic, sender_id)
  ) strict;
  `,
  `
  create table device_keys (
    device text primary key, key text not null unique, joined_at integer not null, via text not null, ends_at integer
  ) strict;
  create table join_tokens (
    id text primary key, hash text not null unique, name text not null, groups text not null, labels text not null,
    uses integer not null, used integer not null, created_at integer not null, expires_at integer not null
  ) strict;
  create table pending_joins (
    key text primary key, device text not null, spki blob not null, facts text not null,
    first_at integer not null, last_at integer not null, rejected integer not null
  ) strict;
  alter table tombstones add column key text;
  `,
  `
  create table users (
    name text primary key, role text not null, groups text, password text not null, once integer not null, created_at integer not null,
    last_seen integer
  ) strict;
  create table sessions (
    hash text primary key, user text not null, kind text not null, created_at integer not null, seen_at integer not null
  ) strict;
  create table access_tokens (
    id text primary key, hash text not null, name text not null unique, role text not null, groups text, created_at integer not null,
    created_by text not null, expires_at integer not null, last_seen integer
  ) strict;
  `,
  `
  create table audit (
    number integer primary key, at integer not null, who text not null, via text not null, source text not null, action text not null,
    target text not null, outcome text not null, code text, count integer not null, detail text not null, hash blob not null
  ) strict;
  create trigger audit_unchanged before update on audit begin select raise(abort, 'the audit trail only grows'); end;
  create trigger audit_kept before delete on audit begin select raise(abort, 'the audit trail only grows'); end;
  create table audit_head (
    id integer primary key check (id = 1), number integer not null, hash blob not null, seal blob not null
  ) strict;
  create trigger audit_head_grows before update on audit_head when new.number <= old.number
    begin select raise(abort, 'the audit trail only grows'); end;
  create trigger audit_head_kept before delete on audit_head begin select raise(abort, 'the audit trail only grows'); end;

  create table image_lists (
    kind text not null, name text not null, patterns text not null, changed_at integer not null, primary key (kind, name)
  ) strict, without rowid;
  `,
  `
  create table signing_keys (
    number integer primary key, public_key blob not null, private_key blob, link blob, created_at integer not null
  ) strict;
  `,
  `
  create table permits (
    kind text not null, name text not null, value integer, lease_s integer, said_by text, user text, address text, via text not null,
    since integer not null, pending integer not null, primary key (kind, name)
  ) strict, without rowid;
  alter table devices add column held_since integer;
  `,
  `
  create table versions (
    number integer primary key autoincrement, app integer not null, name text not null, revision integer not null, digest text not null,
    origin text not null, created_at integer not null, unique (app, name)
  ) strict;
  create index versions_by_digest on versions (app, digest, number);
  `,
  `
  create table links (
    kind text not null, name text not null, setting text not null, changed_at integer not null, primary key (kind, name)
  ) strict, without rowid;
  `,
  `
  alter table reports add column stamp blob;
  `,
  `
  create table usage_counts (device text primary key, count integer not null, traffic text not null, slow integer not null) strict;
  create table usage_days (
    device text not null, day text not null, heartbeat_sent integer not null, heartbeat_received integer not null,
    report_sent integer not null, report_received integer not null, state_sent integer not null, state_received integer not null,
    log_sent integer not null, log_received integer not null, connection_sent integer not null, connection_received integer not null,
    headers_sent integer not null, headers_received integer not null, primary key (device, day)
  ) strict, without rowid;
  create index usage_by_day on usage_days (day);
  `,
  `
  alter table permits add column given integer not null default 0;
  update permits set given = since;
  `,
  `
  alter table apps add column manifest integer not null default 0;
  `,
]
