-- Registers a node as holding sockets of users, and reads what each of them missed, in one step: whatever comes
-- before this call is in the answer, whatever comes after it reaches the node's channel.
--
-- ARGV: 1 run id  2 epoch suffix  3 node  4 most entries to read; then for each user: id, epoch suffix of his
--       cursor ('' = none), stream id of his cursor
-- Returns {epoch, {last id, known, entries} for each user}. `known` is 1 where nothing between the cursor and now
-- can be missing: the cursor's own entry still stands, so nothing behind it was trimmed. It is 2 where the cursor is
-- of an earlier epoch: the entries are then all that the new streams hold.

local runId, suffix, node, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

local epoch = redis.call('GET', 'epoch')
if not epoch or string.sub(epoch, 1, #runId) ~= runId then
  epoch = runId .. ':' .. suffix
  redis.call('SET', 'epoch', epoch)
  redis.call('SET', 'epoch:young', '1', 'EX', 60)
  redis.call('PUBLISH', 'control', 'epoch ' .. epoch)
end
local current = string.sub(epoch, #runId + 2)

local answers = {}
for index = 5, #ARGV, 3 do
  local user, cursorEpoch, position = ARGV[index], ARGV[index + 1], ARGV[index + 2]
  local stream, routeKey = 'stream:' .. user, 'route:' .. user

  local route = redis.call('GET', routeKey) or ''
  if not string.find(' ' .. route .. ' ', ' ' .. node .. ' ', 1, true) then
    route = route == '' and node or (route .. ' ' .. node)
  end
  redis.call('SET', routeKey, route, 'EX', 90)

  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  local entries, known = {}, 0
  if cursorEpoch ~= '' and cursorEpoch ~= current then
    entries, known = redis.call('XRANGE', stream, '-', '+', 'COUNT', most), 2
  elseif cursorEpoch ~= '' then
    local found = redis.call('XRANGE', stream, position, '+', 'COUNT', most + 1)
    if found[1] and found[1][1] == position then
      known = 1
      for i = 2, #found do entries[i - 1] = found[i] end
    end
  end
  local lastId
  if last then
    lastId = last[1]
  else
    -- An entry without content, so that every cursor names an entry that stood in the stream.
    lastId = redis.call('XADD', stream, '*', 'm', '')
  end
  redis.call('EXPIRE', stream, 604800)
  answers[#answers + 1] = { lastId, known, entries }
end
return { epoch, answers }
