/**
 * The reference platform's schema as SQL text: what CloudSingh stores by its
 * privacy policy. It is the platform's, not the console's; a real
 * installation has its own. Tables first, keys and indexes after the filling,
 * since loading into bare tables is several times faster.
 */

/** Role that owns the platform's database and tables; nobody logs in as it. */
export const platformOwner = 'cloudsingh_owner';

export const platformDatabase = 'cloudsingh';

/** Months that have their own partition, `yyyy-mm`; rows of any other time go to the default partition. */
export const partitionMonths = [
  '2025-12', '2026-01', '2026-02', '2026-03', '2026-04', '2026-05', '2026-06',
  '2026-07', '2026-08', '2026-09', '2026-10', '2026-11', '2026-12',
] as const; // prettier-ignore

function monthAfter(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
}

function monthlyPartitions(table: string): string {
  const months = partitionMonths.map(
    (month) =>
      `create table ${table}_${month.replace('-', '_')} partition of ${table}\n` +
      `  for values from ('${month}-01 00:00:00+00') to ('${monthAfter(month)}-01 00:00:00+00');`,
  );
  return [...months, `create table ${table}_default partition of ${table} default;`].join('\n');
}

/** To be run as superuser in the new, empty database. */
export const platformExtensions = `
revoke create on schema public from public;
grant usage, create on schema public to ${platformOwner};
create extension citext with schema public;
create extension pg_trgm with schema public;
`;

/** To be run as the owner. */
export const platformTypes = `
create type message_status as enum ('queued', 'sent', 'delivered', 'failed');
create type whatsapp_session_status as enum ('connected', 'disconnected', 'pairing', 'logged_out');
create type notice_channel as enum ('email', 'platform');
`;

/** To be run as the owner, after the types. */
export const platformTables = `
create table users (
  id uuid not null default gen_random_uuid(),
  email citext not null,
  name text not null,
  phone text check (phone ~ '^[+][1-9][0-9]{6,14}$'),
  password_hash text not null,
  locale text not null default 'en-IN',
  created_at timestamptz not null default now(),
  last_login_at timestamptz,
  closed_at timestamptz
);

create table plans (
  id text not null,
  name text not null,
  message_metadata_retention_days int not null,
  requests_per_minute int not null,
  monthly_message_quota int not null
);

create table workspaces (
  id uuid not null default gen_random_uuid(),
  name text not null,
  owner_id uuid not null,
  plan_id text not null,
  settings jsonb not null default '{}',
  created_at timestamptz not null default now()
);

create table workspace_members (
  workspace_id uuid not null,
  user_id uuid not null,
  role text not null check (role in ('owner', 'admin', 'member')),
  joined_at timestamptz not null default now()
);

create table api_usage_daily (
  workspace_id uuid not null,
  day date not null,
  endpoint text not null,
  method text not null,
  status_class smallint not null check (status_class between 1 and 5),
  request_count bigint not null
);

create table api_keys (
  id uuid not null default gen_random_uuid(),
  workspace_id uuid not null,
  created_by uuid,
  prefix text not null,
  secret_hash text not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);

create table campaigns (
  id uuid not null default gen_random_uuid(),
  workspace_id uuid not null,
  created_by uuid,
  name text not null,
  template text,
  status text not null check (status in ('draft', 'scheduled', 'running', 'completed', 'cancelled')),
  scheduled_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  stats jsonb not null default '{}'
);

create table dashboard_sessions (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  token_hash text not null,
  ip inet not null,
  user_agent text not null,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null,
  ended_at timestamptz
);

create table contacts (
  id uuid not null default gen_random_uuid(),
  workspace_id uuid not null,
  phone text not null,
  name text,
  tags text[] not null default '{}',
  created_at timestamptz not null default now()
);

create table whatsapp_sessions (
  id uuid not null default gen_random_uuid(),
  workspace_id uuid not null,
  phone text not null,
  status whatsapp_session_status not null,
  session_identifier text not null,
  auth_state bytea,
  connected_at timestamptz,
  disconnected_at timestamptz,
  last_seen_at timestamptz
);

create table media_files (
  id uuid not null default gen_random_uuid(),
  workspace_id uuid not null,
  campaign_id uuid,
  message_id bigint,
  uploaded_by uuid,
  r2_key text not null,
  content_type text not null,
  bytes bigint not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz not null default now()
);

create table invoices (
  id uuid not null default gen_random_uuid(),
  workspace_id uuid not null,
  number text not null,
  amount_paise bigint not null,
  billing_name text not null,
  billing_email text not null,
  gstin text,
  issued_at timestamptz not null
);

create sequence policy_notices_id_seq;
create table policy_notices (
  id bigint not null default nextval('policy_notices_id_seq'),
  user_id uuid not null,
  policy_version text not null,
  channel notice_channel not null,
  sent_at timestamptz not null
);
alter sequence policy_notices_id_seq owned by policy_notices.id;

create table support_messages (
  id uuid not null default gen_random_uuid(),
  user_id uuid,
  from_email text not null,
  subject text not null,
  body text not null,
  received_at timestamptz not null default now()
);
`;

/** Page views, to be run as the owner; on its own so that loading can go beside the rest. */
export const pageViewsTable = `
create sequence page_views_id_seq;
create table page_views (
  id bigint not null default nextval('page_views_id_seq'),
  user_id uuid not null,
  workspace_id uuid,
  path text not null,
  feature text,
  occurred_at timestamptz not null default now()
) partition by range (occurred_at);
alter sequence page_views_id_seq owned by page_views.id;
${monthlyPartitions('page_views')}
`;

/** Messages, likewise. */
export const messagesTable = `
create sequence messages_id_seq;
create table messages (
  id bigint not null default nextval('messages_id_seq'),
  workspace_id uuid not null,
  campaign_id uuid,
  whatsapp_session_id uuid,
  recipient_phone text not null,
  status message_status not null default 'queued',
  content text,
  created_at timestamptz not null default now(),
  sent_at timestamptz,
  delivered_at timestamptz,
  failed_at timestamptz,
  error_code text,
  constraint messages_no_content_once_delivered check (status <> 'delivered' or content is null)
) partition by range (created_at);
alter sequence messages_id_seq owned by messages.id;
${monthlyPartitions('messages')}
`;

/** To be run as the owner once the rows are there. */
export const platformKeys = `
alter table users add primary key (id);
create unique index users_email_key on users (email);
alter table plans add primary key (id);
alter table workspaces add primary key (id);
create index workspaces_owner_id_idx on workspaces (owner_id);
create index workspaces_plan_id_idx on workspaces (plan_id);
alter table workspace_members add primary key (workspace_id, user_id);
create index workspace_members_user_id_idx on workspace_members (user_id);
alter table api_usage_daily add primary key (workspace_id, day, endpoint, method, status_class);
alter table api_keys add primary key (id);
create index api_keys_workspace_id_idx on api_keys (workspace_id);
create index api_keys_created_by_idx on api_keys (created_by);
alter table campaigns add primary key (id);
create index campaigns_workspace_id_idx on campaigns (workspace_id);
create index campaigns_created_by_idx on campaigns (created_by);
alter table dashboard_sessions add primary key (id);
create index dashboard_sessions_user_id_idx on dashboard_sessions (user_id);
alter table contacts add primary key (id);
create index contacts_workspace_id_idx on contacts (workspace_id);
alter table whatsapp_sessions add primary key (id);
create index whatsapp_sessions_workspace_id_idx on whatsapp_sessions (workspace_id);
alter table media_files add primary key (id);
create unique index media_files_r2_key_key on media_files (r2_key);
create index media_files_workspace_id_idx on media_files (workspace_id);
create index media_files_campaign_id_idx on media_files (campaign_id);
create index media_files_uploaded_by_idx on media_files (uploaded_by);
alter table invoices add primary key (id);
create unique index invoices_number_key on invoices (number);
create index invoices_workspace_id_idx on invoices (workspace_id);
alter table policy_notices add primary key (id);
create index policy_notices_user_id_idx on policy_notices (user_id);
alter table support_messages add primary key (id);
create index support_messages_user_id_idx on support_messages (user_id);
`;

/**
 * To be run as the owner after all keys. Not declared, as one often finds it:
 * those of page_views, and those of messages and media_files to campaigns,
 * sessions and messages that come and go.
 */
export const platformForeignKeys = `
alter table workspaces add foreign key (owner_id) references users;
alter table workspaces add foreign key (plan_id) references plans;
alter table workspace_members add foreign key (workspace_id) references workspaces;
alter table workspace_members add foreign key (user_id) references users;
alter table api_usage_daily add foreign key (workspace_id) references workspaces;
alter table api_keys add foreign key (workspace_id) references workspaces;
alter table api_keys add foreign key (created_by) references users;
alter table campaigns add foreign key (workspace_id) references workspaces;
alter table campaigns add foreign key (created_by) references users;
alter table dashboard_sessions add foreign key (user_id) references users;
alter table contacts add foreign key (workspace_id) references workspaces;
alter table messages add foreign key (workspace_id) references workspaces;
alter table whatsapp_sessions add foreign key (workspace_id) references workspaces;
alter table media_files add foreign key (workspace_id) references workspaces;
alter table media_files add foreign key (campaign_id) references campaigns;
alter table media_files add foreign key (uploaded_by) references users;
alter table invoices add foreign key (workspace_id) references workspaces;
alter table policy_notices add foreign key (user_id) references users;
alter table support_messages add foreign key (user_id) references users;
`;

export const pageViewsKeys = `
alter table page_views add primary key (id, occurred_at);
create index page_views_user_id_occurred_at_id_idx on page_views (user_id, occurred_at, id);
`;

export const messagesKeys = `
alter table messages add primary key (id, created_at);
create index messages_workspace_id_created_at_id_idx on messages (workspace_id, created_at, id);
`;
