-- Registers a node as holding sockets of users, and reads what each of them missed, in one step: whatever comes
-- before this call is in the answer, whatever comes after it reaches the node's channel.
--
-- KEYS: 1 the partition's tag
-- ARGV: 1 run id  2 epoch suffix  3 first place of a new epoch  4 node ('' = only read)  5 most entries to read;
--       then for each user: id, epoch suffix of his cursor ('' = none), place of his cursor
-- Returns {epoch, {last place, known, entries as place, event, …} for each user}. `known` is 1 where nothing between
-- the cursor and now can be missing: the inbox reaches back to the cursor, and everything it names still stands. It is
-- 2 where the cursor is of an earlier epoch: the entries are then all that the new inboxes hold.

local call = redis.call
local tag, runId, suffix, node, most = KEYS[1], ARGV[1], ARGV[2], ARGV[4], tonumber(ARGV[5])
local TAIL, KEEP_SECONDS = 16, 604800

local epochKey = tag .. 'epoch'
local epoch = call('HGET', epochKey, 'id')
if not epoch or string.sub(epoch, 1, #runId) ~= runId then
  epoch = runId .. ':' .. suffix
  call('HSETNX', epochKey, 'place', ARGV[3])
  call('HSET', epochKey, 'id', epoch)
  call('SET', tag .. 'epoch:young', '1', 'EX', 60)
  call('PUBLISH', 'control', 'epoch ' .. tag .. ' ' .. epoch)
end
local current = string.sub(epoch, #runId + 2)

local function placeOf(entry) return tonumber(string.match(entry, '^%d+')) end

-- The event of an entry: '' for one that only marks a place, nil where it is not held any more.
local function eventOf(entry)
  local place, chat, rest = string.match(entry, '^(%d+) (%S+) (.*)$')
  if not place then return '' end
  if chat == '-' then return rest end
  local found = call('XRANGE', tag .. 'said:' .. chat, place .. '-0', place .. '-0')[1]
  return found and found[2][2]
end

-- Entries behind a place, oldest first, and whether the inbox reaches back to that place.
local function behind(inbox, place)
  local entries = call('LRANGE', inbox, -TAIL, -1)
  if placeOf(entries[1]) > place then entries = call('LRANGE', inbox, 0, -1) end
  if placeOf(entries[1]) > place then return entries, false end
  local first = 1
  while entries[first] and placeOf(entries[first]) <= place do first = first + 1 end
  local later = {}
  for i = first, math.min(#entries, first + most - 1) do later[#later + 1] = entries[i] end
  return later, true
end

local function read(inbox, last, cursorEpoch, place)
  if cursorEpoch == '' then return 0, {} end
  local known, entries = 2, nil
  if cursorEpoch == current then
    if last == place then return 1, {} end
    local reaches
    entries, reaches = behind(inbox, place)
    if not reaches or place > last then return 0, {} end
    known = 1
  else
    entries = call('LRANGE', inbox, 0, most - 1)
  end
  local told = {}
  for _, entry in ipairs(entries) do
    local event = eventOf(entry)
    if not event then return 0, {} end
    told[#told + 1] = string.match(entry, '^%d+')
    told[#told + 1] = event
  end
  return known, told
end

local answers = {}
for index = 6, #ARGV, 3 do
  local user, cursorEpoch, place = ARGV[index], ARGV[index + 1], tonumber(ARGV[index + 2])
  local inbox = tag .. 'inbox:' .. user
  if node ~= '' then
    local routeKey = tag .. 'route:' .. user
    local route = call('GET', routeKey) or ''
    if not string.find(' ' .. route .. ' ', ' ' .. node .. ' ', 1, true) then
      route = route == '' and node or (route .. ' ' .. node)
    end
    call('SET', routeKey, route, 'EX', 90)
  end
  local newest = call('LINDEX', inbox, -1)
  if not newest then
    -- An entry without content, so that every cursor lies at or behind an entry that stood in the inbox.
    newest = call('HGET', epochKey, 'place')
    call('RPUSH', inbox, newest)
  end
  call('EXPIRE', inbox, KEEP_SECONDS)
  local last = placeOf(newest)
  local known, entries = read(inbox, last, cursorEpoch, place)
  answers[#answers + 1] = { last, known, entries }
end
return { epoch, answers }
