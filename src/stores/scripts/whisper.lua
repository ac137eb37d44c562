-- Passes something short-lived (typing) to the nodes that hold the users' sockets. Nothing is stored.
-- KEYS: 1 the partition's tag. ARGV: 1 joined 36-character user ids  2 'event {json}'
local joined, payload = ARGV[1], ARGV[2]
local users, keys = {}, {}
for i = 1, #joined, 36 do
  local user = string.sub(joined, i, i + 35)
  users[#users + 1] = user
  keys[#keys + 1] = KEYS[1] .. 'route:' .. user
end
if #users == 0 then return 0 end
local routes = redis.call('MGET', unpack(keys))
local outbox = {}
for i, user in ipairs(users) do
  if routes[i] then
    for node in string.gmatch(routes[i], '%S+') do
      local out = outbox[node]
      if not out then out = {}; outbox[node] = out end
      out[#out + 1] = user
    end
  end
end
for node, out in pairs(outbox) do
  redis.call('PUBLISH', 'to:' .. node, 'whisper\n' .. payload .. '\n' .. table.concat(out))
end
return 1
