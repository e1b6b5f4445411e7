// The JSON API's own names for what docs/api/openapi.yaml says; `npm run types`
// makes schema.ts from it. Text of devices, media and terminals comes escaped;
// it is shown as text, never as HTML.
import type { components } from './schema';

type Schemas = components['schemas'];

export interface Page<T> {
  rows: T[];
  next_page_token: string;
}

export type Outcome = Schemas['Outcome'];
export type AlertState = Schemas['AlertState'];
export type Severity = Schemas['Severity'];
export type Verdict = Schemas['Verdict'];
export type Access = Schemas['Access'];
export type DeviceFacts = Schemas['DeviceFacts'];
export type Column = Schemas['Column'];
export type Landing = Schemas['Landing'];
export type Transfer = Schemas['Transfer'];
export type SealedSamples = Schemas['SealedSamples'];
export type Who = Schemas['Who'];
export type Person = Schemas['Person'];
export type Event = Schemas['Event'];
export type Comment = Schemas['Comment'];
export type Alert = Schemas['Alert'];
export type Case = Schemas['Case'];
export type CaseStory = Schemas['CaseStory'];
export type Review = Schemas['Review'];
export type ReviewItem = Schemas['ReviewItem'];
export type ReviewStory = Schemas['ReviewStory'];
export type ReviewStatement = Schemas['ReviewStatement'];
export type OpenedItem = Schemas['OpenedItem'];
export type VerdictCount = Schemas['VerdictCount'];
export type AlertCount = Schemas['AlertCount'];
export type MatchingStep = Schemas['MatchingStep'];
export type SavedSearch = Schemas['SavedSearch'];
export type SearchPlace = Schemas['SearchPlace'];
export type Suppression = Schemas['Suppression'];
export type Device = Schemas['Device'];
export type Agent = Schemas['Agent'];
export type TransferGrant = Schemas['TransferGrant'];
export type OfflineCode = Schemas['OfflineCode'];
export type SpokenCode = Schemas['SpokenCode'];
export type Containment = Schemas['Containment'];
export type ContainKind = Containment['kind'];
export type PolicyVersion = Schemas['PolicyVersion'];
export type Problem = Schemas['Problem'];
export type Pushed = Schemas['Pushed'];
export type Problems = Schemas['Problems'];
export type Rings = Schemas['Rings'];
export type Rollout = Schemas['Rollout'];
export type RolloutAct = Schemas['RolloutWish']['act'];
export type RolloutRing = Schemas['RolloutRing'];
export type RolloutStatus = Schemas['RolloutStatus'];
export type RolloutTerminal = Schemas['RolloutTerminal'];
export type Session = Schemas['Session'];
export type Role = Schemas['Role'];
// In the server's order.
export const ROLES = ['viewer', 'analyst', 'approver', 'policy_author', 'auditor', 'admin'] as const satisfies readonly Role[];
export type User = Schemas['User'];
export type SignInWays = Schemas['SignInWays'];
export type SessionRow = Schemas['SessionRow'];
export type ApiToken = Schemas['ApiToken'];
export type AuditEntry = Schemas['AuditEntry'];
export type Overview = Schemas['Overview'];
export type OverviewDay = Schemas['OverviewDay'];
export type TopRow = Schemas['TopRow'];
export type TransferCounts = Schemas['TransferCounts'];
export type AlertGroup = Schemas['AlertGroup'];
export type BulkResult = Schemas['BulkResult'];
export type Around = Schemas['Around'];
export type Lane = Schemas['Lane'];
export type SpanCounts = Schemas['SpanCounts'];
export type DevicePlace = Schemas['DevicePlace'];
export type DeviceStory = Schemas['DeviceStory'];
export type DeviceContents = Schemas['DeviceContents'];
export type MediumContents = Schemas['MediumContents'];
export type MediumFile = Schemas['MediumFile'];
export type CheckedPolicy = Schemas['CheckedPolicy'];
export type PolicyAnswer = Schemas['PolicyAnswer'];
export type PolicyStep = Schemas['PolicyStep'];
export type PolicyTrial = Schemas['PolicyTrial'];
export type Terminal = Schemas['Terminal'];
export type RegisterImport = Schemas['RegisterImport'];
export type SiteOutage = Schemas['SiteOutage'];
export type Inquiry = Schemas['Inquiry'];
export type InquiryDocument = Schemas['InquiryDocument'];
