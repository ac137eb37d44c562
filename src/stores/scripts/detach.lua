-- Takes a node off the routes of users whose last socket there has closed.
-- KEYS: 1 the partition's tag. ARGV: 1 node, then user ids.
local node = ARGV[1]
for index = 2, #ARGV do
  local key = KEYS[1] .. 'route:' .. ARGV[index]
  local route = redis.call('GET', key)
  if route then
    local rest = {}
    for name in string.gmatch(route, '%S+') do
      if name ~= node then rest[#rest + 1] = name end
    end
    if #rest == 0 then redis.call('DEL', key) else redis.call('SET', key, table.concat(rest, ' '), 'KEEPTTL') end
  end
end
return 1
