-- Tells the members of one chat what happened in it: in the order of the revisions, each revision once.
-- One call is atomic, so the order of a user's inbox is the order in which his nodes hear of it.
--
-- KEYS: 1 the partition's tag
-- ARGV: 1 run id of this server as the caller knows it   2 epoch suffix and 3 first place, if a new epoch is due
--       4 chat (hex), '' for events that belong to no chat's log
--       5 first revision covered  6 last revision covered  7 '1' = set the mark though none is known
--       8 number n of recipient sets, then n strings of 36-character user ids
--       then for each event: revision, set number, 'head {json}', sender for whom it is not unread ('' = it never
--       counts, '*' = counts have to be made anew), id of the connection that gets an ack instead
-- Returns {status, epoch, mark}: 'ok' told, 'done' had been told, 'gap' earlier revisions are not told yet,
--       'unknown' this Redis does not know how far the chat was told.

local call = redis.call
local tag, runId, suffix, chat = KEYS[1], ARGV[1], ARGV[2], ARGV[4]
local from, to, force = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local INBOX_MAX, INBOX_SPARE, SAID_MAX, KEEP_SECONDS = 500, 100, 1000, 604800

-- Keys of another server process may be a stale snapshot and a missing epoch means a flush:
-- either way no cursor given so far may be honoured.
local epochKey = tag .. 'epoch'
local epoch = call('HGET', epochKey, 'id')
if not epoch or string.sub(epoch, 1, #runId) ~= runId then
  epoch = runId .. ':' .. suffix
  call('HSETNX', epochKey, 'place', ARGV[3])
  call('HSET', epochKey, 'id', epoch)
  call('SET', tag .. 'epoch:young', '1', 'EX', 60)
  call('PUBLISH', 'control', 'epoch ' .. tag .. ' ' .. epoch)
end

local mark = 0
local fanKey = tag .. 'fan:' .. chat
if chat ~= '' then
  local known = call('GET', fanKey)
  if known then
    mark = tonumber(known)
    if mark >= to then return { 'done', epoch, mark } end
    if mark < from - 1 then return { 'gap', epoch, mark } end
  elseif from > 1 and force ~= '1' then
    return { 'unknown', epoch, 0 }
  else
    mark = from - 1
  end
end

-- Inboxes exist for users who were connected lately. After a flush they all have to be made anew.
local young = call('EXISTS', tag .. 'epoch:young') == 1
local push = young and 'RPUSH' or 'RPUSHX'

local setCount = tonumber(ARGV[8])
local sets = {}

-- Looked up once for all events of this call: who is in the set, on which nodes, and whose counts are kept.
local function lookUp(number)
  local joined = ARGV[8 + number]
  local set = { users = {}, inboxes = {}, nodes = {} }
  local routeKeys, unreadKeys = {}, {}
  for at = 1, #joined, 36 do
    local user = string.sub(joined, at, at + 35)
    local i = #set.users + 1
    set.users[i] = user
    set.inboxes[i] = tag .. 'inbox:' .. user
    routeKeys[i] = tag .. 'route:' .. user
    unreadKeys[i] = tag .. 'unread:' .. user .. ':' .. chat
  end
  if #set.users > 0 then
    local lines = {}
    for i, route in ipairs(call('MGET', unpack(routeKeys))) do
      if route then
        for node in string.gmatch(route, '%S+') do
          local line = lines[node]
          if not line then line = {}; lines[node] = line end
          line[#line + 1] = set.users[i]
        end
      end
    end
    for node, line in pairs(lines) do set.nodes[node] = table.concat(line) end
    if chat ~= '' then
      for i, kept in ipairs(call('MGET', unpack(unreadKeys))) do
        if kept then
          set.counts = set.counts or {}
          set.counts[i] = { key = unreadKeys[i], kept = kept }
        end
      end
    end
  end
  sets[number] = set
  return set
end

-- A count that is being computed right now would miss this message: it is thrown away.
local function raise(set, unreadFor)
  for i, one in pairs(set.counts) do
    if unreadFor ~= set.users[i] then
      local count, readSeq = string.match(one.kept, '^(%d+):(%d+)$')
      if count and unreadFor ~= '*' then
        one.kept = (tonumber(count) + 1) .. ':' .. readSeq
        call('SET', one.key, one.kept, 'KEEPTTL')
      else
        call('DEL', one.key)
        set.counts[i] = nil
      end
    end
  end
end

local outbox = {}
local index = 9 + setCount
while index <= #ARGV do
  local rev = tonumber(ARGV[index])
  local number, payload = tonumber(ARGV[index + 1]), ARGV[index + 2]
  local unreadFor, origin = ARGV[index + 3], ARGV[index + 4]
  index = index + 5
  if chat == '' or rev > mark then
    local set = sets[number] or lookUp(number)
    if #set.users > 0 then
      local place = call('HINCRBY', epochKey, 'place', 1)
      local entry
      if chat == '' then
        entry = place .. ' - ' .. payload
      else
        -- With its seq where the event is a message: what a device stored is told from this alone.
        entry = place .. ' ' .. chat .. ' ' .. (string.match(payload, '^message:received|%x+|(%d+)|') or '')
        local said = tag .. 'said:' .. chat
        local added = redis.pcall('XADD', said, 'MAXLEN', '~', SAID_MAX, place .. '-0', 'm', payload)
        if type(added) == 'table' and added.err then
          -- Places began anew below those of an older snapshot: what was said under those is beyond any cursor.
          call('DEL', said)
          call('XADD', said, place .. '-0', 'm', payload)
        end
      end
      local inboxes = set.inboxes
      for i = 1, #inboxes do
        local length = call(push, inboxes[i], entry)
        if length > INBOX_MAX + INBOX_SPARE then call('LTRIM', inboxes[i], -INBOX_MAX, -1) end
        if young then call('EXPIRE', inboxes[i], KEEP_SECONDS) end
      end
      if unreadFor ~= '' and set.counts then raise(set, unreadFor) end
      for node, users in pairs(set.nodes) do
        local out = outbox[node]
        if not out then out = { 'durable ' .. tag .. ' ' .. epoch }; outbox[node] = out end
        out[#out + 1] = origin
        out[#out + 1] = place
        out[#out + 1] = payload
        out[#out + 1] = users
      end
    end
  end
end

for node, out in pairs(outbox) do
  call('PUBLISH', 'to:' .. node, table.concat(out, '\n'))
end
if chat ~= '' then
  call('SET', fanKey, to, 'EX', 86400)
  call('EXPIRE', tag .. 'said:' .. chat, KEEP_SECONDS)
end
return { 'ok', epoch, to }
