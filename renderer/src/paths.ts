/** Addresses of the screens, so that everything can link to everything. They hold references, never personal data. */
export const paths = {
  desk: '/',
  requests: '/requests',
  request: (id: number) => `/requests/${String(id)}`,
  search: '/search',
  searchFor: (requestId: number) => `/search?request=${String(requestId)}`,
  people: '/people',
  person: (subject: string, requestId?: number | null) =>
    `/people/${subject}${requestId ? `?request=${String(requestId)}` : ''}`,
  exports: '/exports',
  packageCheck: '/package',
  exportOf: (requestId: number) => `/requests/${String(requestId)}/export`,
  deliveryOf: (exportId: number) => `/exports/${String(exportId)}`,
  deletions: '/deletions',
  deletionOf: (requestId: number) => `/requests/${String(requestId)}/deletion`,
  plan: (id: number) => `/deletions/${String(id)}`,
  approvals: '/approvals',
  mapChange: (id: number) => `/approvals/map/${String(id)}`,
  trail: '/trail',
  trailOf: (filter: Readonly<Record<string, string>>) => `/trail?${new URLSearchParams(filter).toString()}`,
  entry: (number: number) => `/trail?entry=${String(number)}`,
  settings: '/settings',
} as const;
