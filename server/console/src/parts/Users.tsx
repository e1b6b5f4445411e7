// Who may come in, and as what.
import { Alert, Button, Checkbox, Chip, Dialog, DialogActions, DialogContent, DialogTitle, FormControlLabel, FormGroup, Paper, Stack, Table, TableBody, TableCell, TableContainer, TableHead, TableRow, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { get, post } from '../api/client';
import type { Role, Session, SignInWays, User } from '../api/types';
import { ROLES } from '../api/types';
import { formatTime } from '../format';
import { useMay } from '../may';
import { Code } from './Shown';
import { ErrorText, Loaded } from './State';
import { EditPerson, EditScope, Groups, GroupsField } from './UserScope';

export function RoleBoxes({ value, of, onChange }: { value: Role[]; of: readonly Role[]; onChange: (roles: Role[]) => void }) {
  const { t } = useTranslation();
  return (
    <FormGroup aria-label={t('admin.roles')} role="group">
      {of.map((role) => (
        <FormControlLabel key={role} label={<>{t(`role.${role}`)}<Typography variant="caption" component="div" color="text.secondary">{t(`roleDoes.${role}`)}</Typography></>}
          control={<Checkbox checked={value.includes(role)} onChange={(e) => onChange(e.target.checked ? [...value, role] : value.filter((one) => one !== role))} />} />
      ))}
    </FormGroup>
  );
}

// A new user, or other roles for one; a new user's code is shown once.
function Edit({ user, onDone }: { user: User | null; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState(user?.name ?? '');
  const [roles, setRoles] = useState<Role[]>(user?.roles ?? []);
  const [groups, setGroups] = useState<string[] | null>(null);
  const save = useMutation({
    mutationFn: () => post<{ code?: string }>(user ? 'users:roles' : 'users', user ? { user: user.name, roles } : { user: name.trim(), roles, groups }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['users'] });
      if (user) onDone();
    },
  });
  return (
    <Dialog open onClose={onDone} fullWidth maxWidth="sm">
      <DialogTitle>{user ? t('admin.rolesOf', { user: user.name }) : t('admin.addUser')}</DialogTitle>
      <DialogContent>
        <Stack spacing={2} sx={{ pt: 1 }}>
          {save.isError && <Alert severity="error"><ErrorText error={save.error} /></Alert>}
          {save.data?.code ? <CodeOf code={save.data.code} /> : save.data && !user ? <Typography>{t('admin.noCode')}</Typography> : (
            <>
              {!user && <TextField autoFocus required label={t('login.user')} value={name} onChange={(e) => setName(e.target.value)} slotProps={{ htmlInput: { maxLength: 64 } }} />}
              <RoleBoxes value={roles} of={ROLES} onChange={setRoles} />
              {!user && <GroupsField groups={groups} onChange={setGroups} />}
            </>
          )}
        </Stack>
      </DialogContent>
      <DialogActions>
        <Button onClick={onDone}>{t('app.close')}</Button>
        {!save.data && <Button variant="contained" loading={save.isPending} disabled={name.trim() === '' || groups?.length === 0} onClick={() => save.mutate()}>{t('admin.save')}</Button>}
      </DialogActions>
    </Dialog>
  );
}

function CodeOf({ code }: { code: string }) {
  const { t } = useTranslation();
  return <><Typography>{t('admin.codeHelp')}</Typography><Code>{code}</Code></>;
}

type Act = 'disable' | 'reset_totp' | 'use_provider' | 'login' | 'enable';

// What is done to one user, with its reason where the record needs one.
function Do({ act, user, onDone }: { act: Act; user: string; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const asks = act === 'disable' || act === 'reset_totp' || act === 'use_provider';
  const run = useMutation({
    mutationFn: () => post<{ code?: string }>(`users:${act}`, asks ? { user, reason: reason.trim() } : { user }),
    onSuccess: (done) => {
      void client.invalidateQueries({ queryKey: ['users'] });
      if (!done.code) onDone();
    },
  });
  return (
    <Dialog open onClose={onDone} fullWidth maxWidth="sm">
      <DialogTitle>{t(`admin.${act}Title`, { user })}</DialogTitle>
      <DialogContent>
        <Stack spacing={2} sx={{ pt: 1 }}>
          {run.isError && <Alert severity="error"><ErrorText error={run.error} /></Alert>}
          {run.data?.code ? <CodeOf code={run.data.code} /> : <Typography>{t(`admin.${act}Does`)}</Typography>}
          {asks && <TextField autoFocus required label={t('admin.reason')} value={reason} onChange={(e) => setReason(e.target.value)} slotProps={{ htmlInput: { maxLength: 160 } }} />}
        </Stack>
      </DialogContent>
      <DialogActions>
        <Button onClick={onDone}>{t('app.close')}</Button>
        {!run.data?.code && <Button variant="contained" loading={run.isPending} disabled={asks && reason.trim() === ''} onClick={() => run.mutate()}>{t(`admin.${act}`)}</Button>}
      </DialogActions>
    </Dialog>
  );
}

export function Users({ session }: { session: Session }) {
  const { t } = useTranslation();
  const mayChange = useMay()('SetRoles');
  const query = useQuery({ queryKey: ['users'], queryFn: () => get<{ rows: User[] }>('users') });
  const ways = useQuery({ queryKey: ['signin'], queryFn: () => get<SignInWays>('signin') });
  const [editing, setEditing] = useState<User | 'new' | null>(null);
  const [doing, setDoing] = useState<{ act: Act; user: string } | null>(null);
  const [scoping, setScoping] = useState<User | null>(null);
  const [linking, setLinking] = useState<User | null>(null);
  return (
    <Stack spacing={2} sx={{ alignItems: 'flex-start' }}>
      {mayChange && <Button variant="contained" onClick={() => setEditing('new')}>{t('admin.addUser')}</Button>}
      <Loaded query={query}>
        {(data) => (
          <TableContainer component={Paper} variant="outlined" tabIndex={0}>
            <Table size="small" aria-label={t('admin.users')} sx={{ minWidth: 900 }}>
              <TableHead>
                <TableRow>{['login.user', 'admin.roles', 'scope.sees', 'scope.person', 'admin.signsIn', 'admin.totp', 'alert.state', 'admin.acts'].map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow>
              </TableHead>
              <TableBody>
                {data.rows.map((user) => (
                  <TableRow key={user.name}>
                    <TableCell sx={{ overflowWrap: 'anywhere' }}>{user.name}</TableCell>
                    <TableCell><Stack direction="row" useFlexGap sx={{ gap: 0.5, flexWrap: 'wrap' }}>{user.roles.map((role) => <Chip key={role} size="small" label={t(`role.${role}`)} />)}{user.roles.length === 0 && t('app.none')}</Stack></TableCell>
                    <TableCell><Groups groups={user.groups} /></TableCell>
                    <TableCell sx={{ overflowWrap: 'anywhere' }}>{user.person}</TableCell>
                    <TableCell sx={{ overflowWrap: 'anywhere' }}>
                      {user.has_password && <div>{t('admin.password')}</div>}
                      {user.provider_issuer !== '' && <div>{user.provider_issuer}<Typography variant="caption" component="div" color="text.secondary">{user.provider_subject}</Typography></div>}
                      {!user.has_password && user.provider_issuer === '' && t('admin.notYet')}
                    </TableCell>
                    <TableCell>{user.has_totp ? t('admin.yes') : t('admin.no')}</TableCell>
                    <TableCell>{user.disable_time ? t('admin.disabledSince', { time: formatTime(user.disable_time) }) : t('admin.active')}</TableCell>
                    <TableCell>
                      {mayChange && user.name !== session.user && (
                        <Stack direction="row" useFlexGap sx={{ flexWrap: 'wrap' }}>
                          <Button size="small" onClick={() => setEditing(user)}>{t('admin.roles')}…</Button>
                          <Button size="small" onClick={() => setScoping(user)}>{t('scope.sees')}…</Button>
                          <Button size="small" onClick={() => setLinking(user)}>{t('scope.person')}…</Button>
                          {!user.disable_time && <Button size="small" onClick={() => setDoing({ act: 'login', user: user.name })}>{t('admin.login')}…</Button>}
                          {ways.data?.provider && <Button size="small" onClick={() => setDoing({ act: 'use_provider', user: user.name })}>{t('admin.use_provider')}…</Button>}
                          {user.has_totp && <Button size="small" onClick={() => setDoing({ act: 'reset_totp', user: user.name })}>{t('admin.reset_totp')}…</Button>}
                          <Button size="small" color="warning" onClick={() => setDoing({ act: user.disable_time ? 'enable' : 'disable', user: user.name })}>{t(user.disable_time ? 'admin.enable' : 'admin.disable')}…</Button>
                        </Stack>
                      )}
                    </TableCell>
                  </TableRow>
                ))}
              </TableBody>
            </Table>
          </TableContainer>
        )}
      </Loaded>
      {editing !== null && <Edit user={editing === 'new' ? null : editing} onDone={() => setEditing(null)} />}
      {scoping && <EditScope user={scoping} onDone={() => setScoping(null)} />}
      {linking && <EditPerson user={linking} onDone={() => setLinking(null)} />}
      {doing && <Do {...doing} onDone={() => setDoing(null)} />}
    </Stack>
  );
}
