// Tokens of the JSON API for programs: one's own; for admins, everybody's.
import { Alert, Button, Dialog, DialogActions, DialogContent, DialogTitle, FormControlLabel, Paper, Stack, Switch, Table, TableBody, TableCell, TableContainer, TableHead, TableRow, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { get, post } from '../api/client';
import type { ApiToken, Role, Session } from '../api/types';
import { formatTime } from '../format';
import { useMay } from '../may';
import { Code } from './Shown';
import { ErrorText, Loaded } from './State';
import { RoleBoxes } from './Users';

function Add({ session, onDone }: { session: Session; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [days, setDays] = useState('90');
  const [roles, setRoles] = useState<Role[]>([]);
  const add = useMutation({
    mutationFn: () => post<{ secret: string; token: ApiToken }>('api_tokens:mine', { name: name.trim(), roles, days: Number(days) }),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['api_tokens'] }),
  });
  return (
    <Dialog open onClose={onDone} fullWidth maxWidth="sm">
      <DialogTitle>{t('token.add')}</DialogTitle>
      <DialogContent>
        <Stack spacing={2} sx={{ pt: 1 }}>
          {add.isError && <Alert severity="error"><ErrorText error={add.error} /></Alert>}
          {add.data ? (
            <>
              <Typography>{t('token.once', { time: formatTime(add.data.token.expire_time) })}</Typography>
              <Code>{`Authorization: Bearer ${add.data.secret}`}</Code>
            </>
          ) : (
            <>
              <TextField autoFocus required label={t('token.name')} value={name} onChange={(e) => setName(e.target.value)} slotProps={{ htmlInput: { maxLength: 64 } }} />
              <TextField required type="number" label={t('token.days')} value={days} onChange={(e) => setDays(e.target.value)} slotProps={{ htmlInput: { min: 1, max: 366 } }} />
              <RoleBoxes value={roles} of={session.roles} onChange={setRoles} />
            </>
          )}
        </Stack>
      </DialogContent>
      <DialogActions>
        <Button onClick={onDone}>{t('app.close')}</Button>
        {!add.data && <Button variant="contained" loading={add.isPending} disabled={name.trim() === '' || roles.length === 0} onClick={() => add.mutate()}>{t('token.make')}</Button>}
      </DialogActions>
    </Dialog>
  );
}

export function ApiTokens({ session }: { session: Session }) {
  const { t } = useTranslation();
  const may = useMay();
  const client = useQueryClient();
  const [all, setAll] = useState(false);
  const [adding, setAdding] = useState(false);
  const query = useQuery({ queryKey: ['api_tokens', all], queryFn: () => get<{ rows: ApiToken[] }>(all ? 'api_tokens' : 'api_tokens:mine') });
  const revoke = useMutation({
    mutationFn: (id: number) => post(all ? 'api_tokens:revoke' : 'api_tokens:revoke_mine', { id }),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['api_tokens'] }),
  });
  return (
    <Stack spacing={2} sx={{ alignItems: 'flex-start' }}>
      <Stack direction="row" useFlexGap sx={{ gap: 2, flexWrap: 'wrap' }}>
        <Button variant="contained" onClick={() => setAdding(true)}>{t('token.add')}</Button>
        {may('ListApiTokens') && <FormControlLabel label={t('token.all')} control={<Switch checked={all} onChange={(e) => setAll(e.target.checked)} />} />}
      </Stack>
      {revoke.isError && <Alert severity="error"><ErrorText error={revoke.error} /></Alert>}
      <Loaded query={query}>
        {(data) => (
          <TableContainer component={Paper} variant="outlined" tabIndex={0}>
            <Table size="small" aria-label={t('token.list')} sx={{ minWidth: 720 }}>
              <TableHead>
                <TableRow>{['token.name', 'login.user', 'admin.roles', 'admin.ends', 'admin.lastUse', 'alert.state'].map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow>
              </TableHead>
              <TableBody>
                {data.rows.map((token) => (
                  <TableRow key={token.id}>
                    <TableCell>{token.name}</TableCell>
                    <TableCell>{token.user}</TableCell>
                    <TableCell>{token.roles.map((role) => t(`role.${role}`)).join(', ')}</TableCell>
                    <TableCell>{formatTime(token.expire_time)}</TableCell>
                    <TableCell>{token.use_time ? formatTime(token.use_time) : '–'}</TableCell>
                    <TableCell>
                      {token.revoke_time ? t('token.revoked', { time: formatTime(token.revoke_time), user: token.revoked_by })
                        : (!all || may('RevokeApiToken')) && <Button size="small" color="warning" loading={revoke.isPending} onClick={() => revoke.mutate(token.id)}>{t('token.revoke')}</Button>}
                    </TableCell>
                  </TableRow>
                ))}
              </TableBody>
            </Table>
          </TableContainer>
        )}
      </Loaded>
      {adding && <Add session={session} onDone={() => setAdding(false)} />}
    </Stack>
  );
}
