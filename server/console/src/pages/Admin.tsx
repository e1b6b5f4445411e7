// Users and roles, people at shared accounts, sessions, the second factor, API tokens, the audit log: each
// for whoever may.
import { Alert, Stack, Tab, TableCell, TableRow, Tabs, TextField, Typography } from '@mui/material';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router-dom';

import type { AuditEntry, Session } from '../api/types';
import { formatTime } from '../format';
import { useMay } from '../may';
import { ApiTokens } from '../parts/ApiTokens';
import { EnrolTotp } from '../parts/EnrolTotp';
import { Help } from '../parts/Help';
import { People } from '../parts/People';
import { Rows, usePages } from '../parts/Rows';
import { Sessions } from '../parts/Sessions';
import { Sinks } from '../parts/Sinks';
import { Users } from '../parts/Users';

function Audit() {
  const { t } = useTranslation();
  const [query, setQuery] = useSearchParams();
  const filter = { user: query.get('user') ?? '', action: query.get('action') ?? '' };
  const pages = usePages<AuditEntry>('audit', 'audit', filter);
  const field = (name: 'user' | 'action', label: string) => (
    <TextField size="small" label={label} value={filter[name]}
      onChange={(e) => setQuery({ tab: 'audit', ...Object.fromEntries(Object.entries({ ...filter, [name]: e.target.value }).filter(([, text]) => text !== '')) }, { replace: true })} />
  );
  return (
    <Stack spacing={2}>
      <Stack direction="row" useFlexGap sx={{ gap: 1.5, flexWrap: 'wrap' }}>
        {field('user', t('auditLog.user'))}
        {field('action', t('auditLog.action'))}
      </Stack>
      <Rows label={t('auditLog.list')} pages={pages} head={['auditLog.time', 'auditLog.user', 'auditLog.door', 'auditLog.action', 'auditLog.object', 'auditLog.result', 'auditLog.detail'].map((key) => t(key))}
        row={(entry) => (
          <TableRow key={entry.row_id}>
            <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatTime(entry.time)}</TableCell>
            <TableCell>{entry.user || '–'}</TableCell>
            <TableCell>{entry.door} {entry.address}</TableCell>
            <TableCell>{entry.action}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{entry.object}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{entry.result}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{entry.detail}</TableCell>
          </TableRow>
        )} />
    </Stack>
  );
}

export function Admin({ session }: { session: Session }) {
  const { t } = useTranslation();
  const may = useMay();
  const [query, setQuery] = useSearchParams();
  const [enrolled, setEnrolled] = useState(session.has_totp);
  const tabs = [
    ...(may('ListUsers') ? ['users'] : []), ...(may('ListPeople') ? ['people'] : []), 'sessions', ...(session.via_provider ? [] : ['totp']), 'tokens', ...(may('ListSinks') ? ['sinks'] : []), ...(may('ListAudit') ? ['audit'] : []),
  ];
  const asked = query.get('tab') ?? '';
  const tab = tabs.includes(asked) ? asked : (tabs[0] ?? 'sessions');
  return (
    <Stack spacing={2}>
      <Stack direction="row" sx={{ alignItems: 'center' }}>
        <Typography component="h1" variant="h5" sx={{ mr: 1 }}>{t('admin.title')}</Typography>
        <Help term="roles" />
      </Stack>
      <Tabs value={tab} variant="scrollable" onChange={(_, chosen: string) => setQuery({ tab: chosen }, { replace: true })}>
        {tabs.map((name) => <Tab key={name} value={name} label={t(`admin.tab.${name}`)} />)}
      </Tabs>
      {tab === 'users' && <Users session={session} />}
      {tab === 'people' && <People />}
      {tab === 'sessions' && <Sessions />}
      {tab === 'totp' && (enrolled ? <Alert severity="info">{t('totp.inForce')}</Alert> : <EnrolTotp onDone={() => setEnrolled(true)} />)}
      {tab === 'tokens' && <ApiTokens session={session} />}
      {tab === 'sinks' && <Sinks />}
      {tab === 'audit' && <Audit />}
    </Stack>
  );
}
