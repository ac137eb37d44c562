-- Who is online: per user the connections that say so, each until its time is out.
-- KEYS: 1 presence of the user. ARGV: 1 user  2 connection ('' = only look)  3 'online' | 'offline' | 'gone' | 'look'  4 now (ms)
--       5 how long a connection counts (ms)  6 lifetime of the key (s)
-- 'offline' keeps the connection known as one in the background, 'gone' forgets it.
-- Returns {online now, was online, last seen (ms, 0 = unknown)}; a change is published.
local user, connection, what = ARGV[1], ARGV[2], ARGV[3]
local now, alive, life = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local key = KEYS[1]

local raw = redis.call('GET', key)
local state = raw and cjson.decode(raw) or { online = false, lastSeen = 0, connections = {} }
local was = state.online
if was then
  for id, untilMs in pairs(state.connections) do
    if untilMs < now then
      -- A node that died takes nobody offline: its connections run out, and were last seen when they were renewed.
      state.connections[id] = nil
      state.lastSeen = math.max(state.lastSeen, untilMs - alive)
    end
  end
end
if what == 'online' then
  state.connections[connection] = now + alive
elseif what == 'offline' or what == 'gone' then
  if state.connections[connection] then state.lastSeen = now end
  state.connections[connection] = nil
end
state.online = next(state.connections) ~= nil
if state.online then state.lastSeen = math.max(state.lastSeen, now) end

if what ~= 'look' or was ~= state.online then
  if not state.online then state.connections = { } end
  local text = '{"online":' .. tostring(state.online) .. ',"lastSeen":' .. string.format('%.0f', state.lastSeen) ..
    ',"connections":' .. (state.online and cjson.encode(state.connections) or '{}') .. '}'
  redis.call('SET', key, text, 'EX', life)
end
if was ~= state.online then
  redis.call('PUBLISH', 'presence:' .. user, (state.online and 'online ' or 'offline ') .. string.format('%.0f', state.lastSeen))
end
return { state.online and 1 or 0, was and 1 or 0, string.format('%.0f', state.lastSeen) }
