import type { RouteObject } from 'react-router';
import { Approvals } from '../features/approvals/Approvals.tsx';
import { MapChangePage } from '../features/approvals/MapChangePage.tsx';
import { Batches } from '../features/batches/Batches.tsx';
import { BatchPage } from '../features/batches/BatchPage.tsx';
import { ClosedAccounts } from '../features/batches/ClosedAccounts.tsx';
import { Corrections } from '../features/corrections/Corrections.tsx';
import { DeletionList } from '../features/deletion/DeletionList.tsx';
import { DeletionStart } from '../features/deletion/DeletionStart.tsx';
import { Ledger } from '../features/deletion/Ledger.tsx';
import { PlanPage } from '../features/deletion/PlanPage.tsx';
import { Desk } from '../features/desk/Desk.tsx';
import { DeliveryPage } from '../features/exportPage/DeliveryPage.tsx';
import { ExportList } from '../features/exportPage/ExportList.tsx';
import { ExportPage } from '../features/exportPage/ExportPage.tsx';
import { Holds } from '../features/holds/Holds.tsx';
import { PackageCheck } from '../features/packageCheck/PackageCheck.tsx';
import { People } from '../features/person/People.tsx';
import { Person } from '../features/person/Person.tsx';
import { RequestPage } from '../features/requests/RequestPage.tsx';
import { Requests } from '../features/requests/Requests.tsx';
import { Retention } from '../features/retention/Retention.tsx';
import { RetentionPlanPage } from '../features/retention/RetentionPlanPage.tsx';
import { Search } from '../features/search/Search.tsx';
import { Settings } from '../features/settings/Settings.tsx';
import { Trail } from '../features/trail/Trail.tsx';
import { Frame } from './Frame.tsx';

export const routes: readonly RouteObject[] = [
  {
    path: '/',
    element: <Frame />,
    children: [
      { index: true, element: <Desk /> },
      { path: 'requests', element: <Requests /> },
      { path: 'requests/:id', element: <RequestPage /> },
      { path: 'requests/:id/export', element: <ExportPage /> },
      { path: 'requests/:id/corrections', element: <Corrections /> },
      { path: 'requests/:id/deletion', element: <DeletionStart /> },
      { path: 'search', element: <Search /> },
      { path: 'people', element: <People /> },
      { path: 'people/:subject', element: <Person /> },
      { path: 'exports', element: <ExportList /> },
      { path: 'exports/:id', element: <DeliveryPage /> },
      { path: 'package', element: <PackageCheck signedIn /> },
      { path: 'deletions', element: <DeletionList /> },
      { path: 'deletions/ledger', element: <Ledger /> },
      { path: 'deletions/retention', element: <Retention /> },
      { path: 'deletions/retention/:id', element: <RetentionPlanPage /> },
      { path: 'deletions/closed', element: <ClosedAccounts /> },
      { path: 'deletions/batches', element: <Batches /> },
      { path: 'deletions/batches/:id', element: <BatchPage /> },
      { path: 'deletions/:id', element: <PlanPage /> },
      { path: 'approvals', element: <Approvals /> },
      { path: 'approvals/map/:id', element: <MapChangePage /> },
      { path: 'holds', element: <Holds /> },
      { path: 'trail', element: <Trail /> },
      { path: 'settings', element: <Settings /> },
      { path: '*', element: <Desk /> },
    ],
  },
];
