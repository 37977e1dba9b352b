/** Platforms nobody here has built, as SQL: for drafting maps of what one has not seen. */

/** A shop whose customers point to their address; orders are kept for their invoices. */
export const shop = `
create type order_status as enum ('placed', 'paid', 'shipped');
create domain email_address as text check (value like '%@%');
create table countries (code char(2) primary key, name text not null);
create table addresses (
  id bigint generated always as identity primary key,
  line1 text not null, city text not null, postal_code text not null,
  country_code char(2) not null references countries
);
create table employees (id bigint generated always as identity primary key, email text not null, name text not null, password_hash text not null);
create table customers (
  id bigint generated always as identity primary key,
  email email_address not null unique,
  full_name text not null,
  tel text,
  pwd text not null,
  address_id bigint references addresses,
  search tsvector generated always as (to_tsvector('simple', full_name)) stored,
  referred_by bigint references customers,
  created_at timestamptz not null default now()
);
comment on table customers is 'who buys here';
create table products (id bigint generated always as identity primary key, name text not null, description text, price_cents int not null);
create table orders (
  id bigint generated always as identity primary key,
  customer_id bigint not null references customers on delete restrict,
  shipping_address_id bigint references addresses,
  handled_by bigint references employees,
  status order_status not null,
  remarks text,
  placed_at timestamp not null default now()
);
create table order_items (
  order_id bigint not null references orders on delete cascade,
  line_no int not null,
  product_id bigint not null references products,
  quantity int not null,
  primary key (order_id, line_no)
);
create table invoices (
  id bigint generated always as identity primary key,
  order_id bigint not null references orders,
  billing_name text not null, vat_id text, total_cents bigint not null,
  issued_at date not null
);
create table wishlists (customer_id bigint not null references customers, product_id bigint not null references products, primary key (customer_id, product_id));
create table newsletter (id bigint generated always as identity primary key, email text not null, subscribed_at timestamptz not null default now());
create table warehouse_bins (id int primary key, aisle int not null, shelf int not null);
create table import_log (line text, at timestamptz);
create view customer_emails as select email from customers;
create materialized view customer_names as select id, full_name from customers;

insert into countries values ('IN', 'India'), ('DE', 'Germany');
insert into addresses (line1, city, postal_code, country_code) select 'Lane ' || n, 'Pune', '41100' || n, 'IN' from generate_series(1, 9) n;
insert into employees (email, name, password_hash) values ('desk@shop.example', 'Desk', '$2b$12$abcdefghijklmnopqrstuuDk1Zt2h3vXN0mZ5J8mTq1Jr0o1q0O2a');
insert into customers (email, full_name, tel, pwd, address_id)
  select 'customer' || n || '@mail.example', 'Customer ' || n, '+9198765432' || (10 + n), '$2b$12$abcdefghijklmnopqrstuuDk1Zt2h3vXN0mZ5J8mTq1Jr0o1q0O2a', n from generate_series(1, 9) n;
insert into products (name, price_cents) values ('Lamp', 900), ('Chair', 4900);
insert into orders (customer_id, shipping_address_id, handled_by, status, remarks) select n, n, 1, 'paid', 'leave it at the door of ' || n from generate_series(1, 9) n;
insert into order_items select n, 1, 1 + n % 2, 1 from generate_series(1, 9) n;
insert into invoices (order_id, billing_name, total_cents, issued_at) select n, 'Customer ' || n, 900, date '2026-01-01' + n from generate_series(1, 3) n;
insert into newsletter (email) select 'Customer' || n || '@mail.example' from generate_series(1, 5) n;
insert into warehouse_bins values (1, 1, 1);
`;

/** A clinic in quoted, mixed-case names, with keys of two columns and partitions. */
export const clinic = `
create schema "Clinic";
create domain "Clinic"."Mail" as text;
create table "Clinic"."Doctors" ("DoctorId" int primary key, "FullName" text not null, "LicenceNo" text not null);
create table "Clinic"."RoomTypes" ("Code" text primary key, "Name" text not null);
create table "Clinic"."Patients" (
  "PatientId" uuid primary key default gen_random_uuid(),
  "FirstName" text not null, "LastName" text not null,
  "DateOfBirth" date not null,
  "E-Mail" "Clinic"."Mail",
  "MobileNo" text,
  "BloodGroup" text,
  "Allergies" text[] not null default '{}',
  "Extra" jsonb,
  "CreatedAt" timestamptz not null default now()
);
comment on column "Clinic"."Patients"."Extra" is 'whatever the desk typed';
create table "Clinic"."Visits" (
  "ClinicNo" int not null, "VisitNo" int not null,
  "PatientId" uuid not null references "Clinic"."Patients" on delete cascade,
  "DoctorId" int references "Clinic"."Doctors",
  "Diagnosis" text,
  "VisitedOn" date not null,
  primary key ("ClinicNo", "VisitNo")
);
create table "Clinic"."Prescriptions" (
  "ClinicNo" int not null, "VisitNo" int not null, "Line" int not null,
  "Drug" text not null,
  primary key ("ClinicNo", "VisitNo", "Line"),
  foreign key ("ClinicNo", "VisitNo") references "Clinic"."Visits"
);
create table "Clinic"."LabResults" (
  "ResultId" bigint not null, "PatientId" uuid not null references "Clinic"."Patients",
  "TakenAt" timestamptz not null, "Marker" text, "Value" numeric,
  primary key ("ResultId", "TakenAt")
) partition by range ("TakenAt");
create table "Clinic"."LabResults_2026" partition of "Clinic"."LabResults" for values from ('2026-01-01') to ('2027-01-01');
create table "Clinic"."LabResults_rest" partition of "Clinic"."LabResults" default;
create table "Clinic"."Letters" ("LetterId" int primary key, "Patient" uuid references "Clinic"."Patients", "PdfKey" text not null, "SentAt" timestamptz not null);
create table "Clinic"."ArchivedLetters" ("ShelfMark" text) inherits ("Clinic"."Letters");
create view "Clinic"."PatientNames" as select "PatientId", "LastName" from "Clinic"."Patients";
insert into "Clinic"."RoomTypes" values ('S', 'Single');
insert into "Clinic"."Doctors" values (1, 'Dr Rao', 'MH-1234');
insert into "Clinic"."Patients" ("FirstName", "LastName", "DateOfBirth", "E-Mail", "MobileNo")
  select 'First' || n, 'Last' || n, date '1990-01-01' + n, 'patient' || n || '@mail.example', '+4915112345' || (100 + n) from generate_series(1, 9) n;
insert into "Clinic"."Letters" select n, "PatientId", 'letters/2026/' || n || '.pdf', now() from (select row_number() over () as n, "PatientId" from "Clinic"."Patients") x;
`;

/** Software for teams: text keys, four schemas, not one foreign key. */
export const software = `
create schema accounts; create schema billing; create schema usage; create schema crm;
create table accounts.accounts (
  account_id text primary key, email text not null, display_name text not null, password_digest text not null, api_token text,
  plan text, created_at timestamptz not null default now()
);
create table accounts.user_sessions (session_key text primary key, account_id text not null, ip text, agent text, data bytea, seen_at timestamptz not null);
create table accounts.feature_flags (flag text primary key, enabled boolean not null);
create table billing.invoices (invoice_no text primary key, account_id text not null, amount numeric(12, 2) not null, tax_id text, issued_on date not null);
create table billing.invoice_lines (line_id text primary key, invoice_no text not null, description text not null);
create table usage.events (event_id bigint generated by default as identity primary key, account_id text, kind text not null, payload jsonb, at timestamptz not null);
create table usage.exports (id uuid primary key, owner_id text not null, storage_path text not null, size_bytes bigint, sha256 text, created_at timestamptz not null);
create table crm.tickets (ticket_id text primary key, requester_email text not null, subject text, body text, opened_at timestamptz not null);
create table crm.ticket_messages (message_id text primary key, ticket_id text not null, body text not null);
create table crm.accounts (id text primary key, company text, x1 text, x2 text);
create table schema_migrations (version text primary key);
insert into accounts.accounts select 'acc_' || n, 'owner' || n || '@saas.example', 'Owner ' || n, '$argon2id$v=19$m=65536$' || n, 'tok_' || n from generate_series(1, 9) n;
insert into crm.accounts select 'crm_' || n, 'Company ' || n, 'write to owner' || n || '@saas.example', md5(n::text) || md5(n::text) from generate_series(1, 9) n;
insert into schema_migrations values ('1');
`;

/** Shops of several tenants, every key with the tenant's in it: both have a customer 2, an order 2, an address 2. */
export const tenanted = `
create table tenants (id int primary key, name text not null);
create table addresses (
  tenant_id int not null references tenants, id int not null, line1 text not null, city text not null,
  primary key (tenant_id, id)
);
create table customers (
  id int not null, tenant_id int not null references tenants,
  email text not null, full_name text not null, phone text, address_id int, referred_by int,
  primary key (tenant_id, id), unique (tenant_id, email), unique (tenant_id, address_id),
  foreign key (tenant_id, address_id) references addresses,
  foreign key (tenant_id, referred_by) references customers
);
create table products (tenant_id int not null references tenants, id int not null, name text not null, primary key (tenant_id, id));
create table orders (
  tenant_id int not null references tenants, id int not null, customer_id int not null, approved_by int, remarks text,
  placed_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (customer_id, tenant_id) references customers (id, tenant_id),
  foreign key (tenant_id, approved_by) references customers (tenant_id, id)
);
create table order_lines (
  tenant_id int not null, order_id int not null, line_no int not null, product_id int not null, engraving text,
  primary key (tenant_id, order_id, line_no),
  foreign key (tenant_id, order_id) references orders,
  foreign key (tenant_id, product_id) references products
);
create table invoices (
  tenant_id int not null, id int not null, order_id int not null, billing_name text not null, issued_at date not null,
  primary key (tenant_id, id),
  foreign key (order_id, tenant_id) references orders (id, tenant_id)
);
create table newsletter (tenant_id int not null, email text not null, subscribed_at timestamptz not null default now(), primary key (tenant_id, email));
create index on customers (tenant_id, address_id);
create index on customers (tenant_id, referred_by);
create index on orders (tenant_id, customer_id);
create index on orders (tenant_id, approved_by);
create index on order_lines (tenant_id, product_id);
create index on invoices (tenant_id, order_id);

insert into tenants values (1, 'Lamps'), (2, 'Chairs');
insert into addresses select t, n, 'Lane ' || t || '.' || n, 'Pune' from generate_series(1, 2) t, generate_series(1, 5) n;
insert into customers select n, t, 'customer' || n || '@tenant' || t || '.example', 'Customer ' || n || ' of ' || t, '+9198765432' || t || n, n, nullif(n - 1, 0)
  from generate_series(1, 2) t, generate_series(1, 5) n;
insert into products select t, n, 'Thing ' || n from generate_series(1, 2) t, generate_series(1, 3) n;
insert into orders select t, n, n, case when n = 3 then 2 end, 'ring twice, says ' || t || '.' || n from generate_series(1, 2) t, generate_series(1, 5) n;
insert into order_lines select t, n, line, 1 + n % 3, 'for ' || t || '.' || n from generate_series(1, 2) t, generate_series(1, 5) n, generate_series(1, 2) line;
insert into invoices select t, n, n, 'Customer ' || n || ' of ' || t, date '2026-01-01' + n from generate_series(1, 2) t, generate_series(2, 3) n;
insert into newsletter select t, 'customer' || n || '@tenant1.example' from generate_series(1, 2) t, generate_series(1, 3) n;
`;

/** Names chosen to break whoever pastes them: into SQL, YAML, a terminal. */
export const hostileNames = {
  schema: '"; drop schema public cascade; --',
  subject: 'users\'; drop table "x"; --',
  newline: 'line\none: {a: b}\n# c',
  emoji: '😀'.repeat(15),
  column: 'na"me\'); delete from users; --',
  tab: '\t- &a [*a]\u202e\u0007',
  quote: '{reference}${x}$function$',
  terminal: 'a\u001b]0;title\u0007\u009b2J\u202eb\r',
} as const;

const q = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A schema of such names; the tables refer to one another as ordinary ones do. */
export function hostile(): string {
  const { schema, subject, newline, emoji, column, tab, quote, terminal } = hostileNames;
  const people = `${q(schema)}.${q(subject)}`;
  return `
create schema ${q(schema)};
create table ${people} (
  ${q(tab)} bigint generated always as identity primary key,
  ${q(column)} text not null,
  email text not null, phone text, "Mixed Case" boolean not null default false, ${q(quote)} int not null default 1
);
comment on table ${people} is E'two\\nlines: [\\u202e # }';
create table ${q(schema)}.${q(newline)} (
  id bigint generated always as identity primary key,
  ${q(emoji)} bigint not null references ${people},
  body text
);
create table ${q(schema)}.${q(emoji)} (id int primary key, ${q(newline)} bigint not null references ${q(schema)}.${q(newline)}, notes text);
create table ${q(schema)}.${q(terminal)} (body text);
insert into ${people} (${q(column)}, email, phone) select 'Name ' || n, 'n' || n || '@mail.example', '+44770090000' || n from generate_series(1, 6) n;
insert into ${q(schema)}.${q(newline)} (${q(emoji)}, body) select n, 'text' from generate_series(1, 6) n;
insert into ${q(schema)}.${q(emoji)} select n, n, 'note' from generate_series(1, 6) n;
`;
}
