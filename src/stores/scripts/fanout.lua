-- Tells the members of one chat what happened in it: in the order of the revisions, each revision once.
-- One call is atomic, so a user's stream order is the order in which his nodes hear of it.
--
-- ARGV: 1 run id of this server as the caller knows it   2 epoch suffix, if a new epoch is due
--       3 chat (hex), '' for events that belong to no chat's log
--       4 first revision covered  5 last revision covered  6 '1' = set the mark though none is known
--       7 number n of recipient sets, then n strings of 36-character user ids
--       then for each event: revision, set number, 'head {json}', sender for whom it is not unread
--       ('' = it never counts, '*' = counts have to be made anew), id of the connection that gets an ack instead
-- Returns {status, epoch, mark}: 'ok' told, 'done' had been told, 'gap' earlier revisions are not told yet,
--       'unknown' this Redis does not know how far the chat was told.

local runId, suffix, chat = ARGV[1], ARGV[2], ARGV[3]
local from, to, force = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]

-- Keys of another server process may be a stale snapshot and a missing epoch means a flush:
-- either way no cursor given so far may be honoured.
local epoch = redis.call('GET', 'epoch')
if not epoch or string.sub(epoch, 1, #runId) ~= runId then
  epoch = runId .. ':' .. suffix
  redis.call('SET', 'epoch', epoch)
  redis.call('SET', 'epoch:young', '1', 'EX', 60)
  redis.call('PUBLISH', 'control', 'epoch ' .. epoch)
end

local mark = 0
if chat ~= '' then
  local known = redis.call('GET', 'fan:' .. chat)
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

-- Streams exist for users who were connected lately. After a flush they all have to be made anew.
local young = redis.call('EXISTS', 'epoch:young') == 1

local setCount = tonumber(ARGV[7])
local sets = {}
for s = 1, setCount do
  local joined = ARGV[7 + s]
  local users, routeKeys, unreadKeys = {}, {}, {}
  for i = 1, #joined, 36 do
    local user = string.sub(joined, i, i + 35)
    users[#users + 1] = user
    routeKeys[#routeKeys + 1] = 'route:' .. user
    unreadKeys[#unreadKeys + 1] = 'unread:' .. user .. ':' .. chat
  end
  sets[s] = { users = users, routeKeys = routeKeys, unreadKeys = unreadKeys }
end

local outbox = {}
local index = 8 + setCount
while index <= #ARGV do
  local rev = tonumber(ARGV[index])
  local set = sets[tonumber(ARGV[index + 1])]
  local payload, unreadFor, origin = ARGV[index + 2], ARGV[index + 3], ARGV[index + 4]
  index = index + 5
  if chat == '' or rev > mark then
    if not set.routes and #set.users > 0 then
      set.routes = redis.call('MGET', unpack(set.routeKeys))
      set.unread = chat ~= '' and redis.call('MGET', unpack(set.unreadKeys)) or {}
    end
    local told = {}
    for i, user in ipairs(set.users) do
      local id
      if young then
        id = redis.call('XADD', 'stream:' .. user, 'MAXLEN', '~', 500, '*', 'm', payload)
        redis.call('EXPIRE', 'stream:' .. user, 604800)
      else
        id = redis.call('XADD', 'stream:' .. user, 'NOMKSTREAM', 'MAXLEN', '~', 500, '*', 'm', payload)
      end
      local cached = set.unread[i]
      if cached and unreadFor ~= '' and unreadFor ~= user then
        -- A count that is being computed right now would miss this message: it is thrown away.
        local count, readSeq = string.match(cached, '^(%d+):(%d+)$')
        if count and unreadFor ~= '*' then
          redis.call('SET', set.unreadKeys[i], (tonumber(count) + 1) .. ':' .. readSeq, 'KEEPTTL')
          set.unread[i] = (tonumber(count) + 1) .. ':' .. readSeq
        else
          redis.call('DEL', set.unreadKeys[i])
          set.unread[i] = false
        end
      end
      local route = set.routes[i]
      if route and id then
        for node in string.gmatch(route, '%S+') do
          local line = told[node]
          if not line then line = {}; told[node] = line end
          line[#line + 1] = user
          line[#line + 1] = id
        end
      end
    end
    for node, line in pairs(told) do
      local out = outbox[node]
      if not out then out = { 'durable ' .. epoch }; outbox[node] = out end
      out[#out + 1] = origin
      out[#out + 1] = payload
      out[#out + 1] = table.concat(line, ' ')
    end
  end
end

for node, out in pairs(outbox) do
  redis.call('PUBLISH', 'to:' .. node, table.concat(out, '\n'))
end
if chat ~= '' then redis.call('SET', 'fan:' .. chat, to, 'EX', 86400) end
return { 'ok', epoch, to }
