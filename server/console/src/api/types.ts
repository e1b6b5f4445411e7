// What the JSON API sends (docs/api/openapi.yaml). Text of devices, media and
// terminals comes escaped; it is shown as text, never as HTML.

export interface Page<T> {
  rows: T[];
  next_page_token: string;
}

export type Outcome = 'none' | 'allowed' | 'alerted' | 'blocked';
export type AlertState = 'new' | 'acknowledged' | 'in_progress' | 'closed';
export type Severity = 'low' | 'medium' | 'high' | 'critical';
export type Verdict = 'true_positive' | 'false_positive' | 'benign';
export type Access = 'block' | 'read_only' | 'inspect' | 'audit' | 'full';

export interface DeviceFacts {
  bus: string;
  vendor_id: string;
  product_id: string;
  serial: string;
  manufacturer: string;
  product: string;
  port: string;
  size_bytes: number;
  filesystem: string;
  volume_uuid: string;
  volume_label: string;
  encryption: string;
}

export interface Column {
  name: string;
  type: string;
  rows: number;
  share: number;
}

export interface Transfer {
  file_path: string;
  persons: number;
  persons_written: number;
  data: Record<string, number>;
  columns: Column[];
  inspected_bytes: number;
  inspection: 'full' | 'partial' | 'none';
  inspection_reason: string;
  format: string;
  encoding: string;
  file_sha256: string;
}

export interface Who {
  person: string;
  uid: number;
  login_uid: number;
  audit_session: number;
  seat: string;
  tty: string;
  origin: string;
  ssh_source: string;
  pid: number;
  program: string;
  command: string;
  other_persons: string[];
}

export interface Event {
  row_id: number;
  agent_id: string;
  terminal: string;
  receive_time: string;
  occur_time: string;
  hash: string;
  epoch: number;
  sequence: number;
  kind: string;
  outcome: Outcome;
  observe_only: boolean;
  access: string;
  rule: string;
  reason: string;
  policy_version: number;
  gate_state: string;
  device_id: string;
  who: Who;
  device?: DeviceFacts;
  transfer?: Transfer;
  gap?: { lost: number; from: string; to: string };
  request?: { purpose: string; seconds: number };
}

export interface Comment {
  time: string;
  author: string;
  text: string;
}

export interface Alert {
  alert_id: number;
  kind: string;
  severity: Severity;
  state: AlertState;
  title: string;
  agent_id: string;
  terminal: string;
  person: string;
  device_id: string;
  create_time: string;
  update_time: string;
  resolve_time: string | null;
  event_row_id: number;
  assignee: string;
  verdict: Verdict | '';
  comments: Comment[];
  event?: Event;
}

export interface Device {
  device_id: string;
  facts: DeviceFacts;
  last_terminal: string;
  last_person: string;
  first_seen_time: string;
  last_seen_time: string;
  last_access: string;
  event_count: number;
  weak_identity: boolean;
  approved_access: Access | '';
  approved_terminal: string;
  approved_by: string;
  approve_time: string | null;
  expire_time: string | null;
  owner: string;
  purpose: string;
  ticket: string;
}

export interface Agent {
  agent_id: string;
  terminal: string;
  hostname: string;
  state: 'enrolled' | 'connected' | 'silent' | 'revoked';
  agent_version: string;
  mode: string;
  gate_state: string;
  core_alive: boolean;
  policy_version: number;
  last_seen_time: string | null;
  acked_sequence: number;
  head_sequence: number;
  spooled_count: number;
  enrol_time: string;
  revoke_reason: string;
}

export interface PolicyVersion {
  version: number;
  push_time: string;
  author: string;
  comment: string;
  file_name: string;
  mode: string;
  text: string;
}

export interface Problem {
  file: string;
  line: number;
  column: number;
  message: string;
}

export interface Pushed {
  version: number;
  agent_count: number;
  problems: Problem[];
}

export interface Session {
  user: string;
  role: 'analyst' | 'admin';
  csrf: string;
  expire_time: string;
  must_set_password: boolean;
}
